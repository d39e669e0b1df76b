/*
 * GNU libffcall: callbacks, which are closures like libffi's, and trampolines, which store their data in a variable that
 * all of them share, so that two threads cannot invoke such trampolines at the same time.
 */
#include <callback.h>
#include <trampoline.h>

#include "run.h"

static void handler(void *bound, va_alist list)
{
    va_start_ulonglong(list);
    uint64_t first = va_arg_ulonglong(list);
    uint64_t second = va_arg_ulonglong(list);
    va_return_ulonglong(list, first + second + (uint64_t)bound);
}

static void *shared;

static uint64_t with_shared(uint64_t first, uint64_t second)
{
    return first + second + (uint64_t)shared;
}

/* Creates a callback bound to `third`. */
void *callback(struct run *run)
{
    return (void *)alloc_callback(handler, (void *)run->third);
}

/* Creates a trampoline bound to `third`. */
void *trampoline(struct run *run)
{
    return (void *)alloc_trampoline((trampoline_function_t)(void *)with_shared, &shared, (void *)run->third);
}

/* Creates and frees callbacks one at a time. The sum is their number. */
void callback_churn(struct run *run)
{
    uint64_t sum = 0;
    uint64_t start = now();
    for (uint64_t i = 0; i < run->count; i++) {
        callback_t made = alloc_callback(handler, (void *)run->third);
        sum += made != NULL;
        free_callback(made);
    }
    run->nanoseconds = now() - start;
    run->sum = sum;
}

/* Replaces each value of a list by a callback bound to it. */
void callback_each(struct run *run, uint64_t *list)
{
    uint64_t start = now();
    for (uint64_t i = 0; i < run->count; i++)
        list[i] = (uint64_t)alloc_callback(handler, (void *)list[i]);
    run->nanoseconds = now() - start;
    run->sum = run->count;
}
