/* The loop that calls every contender. All execute the same instructions; only the pointer differs. */
#include "run.h"

/* The loop counter is an argument, so the sum proves each call and its arguments. The sum is in a register: a counter
   in memory would take longer than a trampoline and hide it. */
void call_loop(struct run *run)
{
    function *call = run->call;
    uint64_t second = run->second, third = run->third, count = run->count, sum = 0;
    uint64_t start = now();
    for (uint64_t i = 0; i < count; i++)
        sum += call(i, second, third);
    run->nanoseconds = now() - start;
    run->sum = sum;
}

/* Calls each address of a list once. */
void call_each(struct run *run, function *const *list)
{
    uint64_t sum = 0;
    uint64_t start = now();
    for (uint64_t i = 0; i < run->count; i++)
        sum += list[i](i, run->second, run->third);
    run->nanoseconds = now() - start;
    run->sum = sum;
}
