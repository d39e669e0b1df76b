/* libffi's closures: invocation, creation and freeing. */
#include <ffi.h>
#include <stdlib.h>

#include "run.h"

static ffi_cif cif;
static ffi_type *arguments[] = {&ffi_type_uint64, &ffi_type_uint64, &ffi_type_uint64};

static void handler(ffi_cif *unused, void *result, void **given, void *bound)
{
    (void)unused;
    *(uint64_t *)result = *(uint64_t *)given[0] + *(uint64_t *)given[1] + *(uint64_t *)bound;
}

static ffi_closure *make(uint64_t *bound, void **code)
{
    ffi_closure *closure = ffi_closure_alloc(sizeof *closure, code);
    if (closure != NULL && ffi_prep_closure_loc(closure, &cif, handler, bound, *code) == FFI_OK)
        return closure;
    return NULL;
}

/* Creates a closure bound to `third`; NULL on failure. Must be called before the others. */
void *closure(struct run *run)
{
    static uint64_t bound;
    void *code;
    bound = run->third;
    if (ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 3, &ffi_type_uint64, arguments) != FFI_OK)
        return NULL;
    return make(&bound, &code) != NULL ? code : NULL;
}

/* Creates and frees closures one at a time. The sum is their number. */
void closure_churn(struct run *run)
{
    uint64_t sum = 0;
    uint64_t start = now();
    for (uint64_t i = 0; i < run->count; i++) {
        void *code;
        ffi_closure *closure = make(&run->third, &code);
        if (closure == NULL)
            break;
        sum++;
        ffi_closure_free(closure);
    }
    run->nanoseconds = now() - start;
    run->sum = sum;
}

static void handler_of_value(ffi_cif *unused, void *result, void **given, void *bound)
{
    (void)unused;
    *(uint64_t *)result = *(uint64_t *)given[0] + *(uint64_t *)given[1] + (uint64_t)bound;
}

/* Replaces each value of a list by a closure bound to it. The sum is their number. */
void closure_each(struct run *run, uint64_t *list)
{
    uint64_t made = 0;
    uint64_t start = now();
    while (made < run->count) {
        void *code, *bound = (void *)list[made];
        ffi_closure *closure = ffi_closure_alloc(sizeof *closure, &code);
        if (closure == NULL || ffi_prep_closure_loc(closure, &cif, handler_of_value, bound, code) != FFI_OK)
            break;
        list[made++] = (uint64_t)code;
    }
    run->nanoseconds = now() - start;
    run->sum = made;
}

struct closure_list {
    uint64_t live;
    ffi_closure *closures[];
};

/* Creates `count` closures that are never freed; NULL on failure. */
struct closure_list *closure_create_many(struct run *run)
{
    struct closure_list *list = malloc(sizeof *list + run->count * sizeof *list->closures);
    void *code;
    list->live = run->count;
    for (uint64_t i = 0; i < run->count; i++)
        if ((list->closures[i] = make(&run->third, &code)) == NULL)
            return NULL;
    return list;
}

/* Frees `count` closures of a list, in steps of `second` positions, then creates as many. */
void closure_replace(struct run *run, struct closure_list *list)
{
    uint64_t sum = 0;
    uint64_t start = now();
    for (uint64_t i = 0; i < run->count; i++)
        ffi_closure_free(list->closures[i * run->second % list->live]);
    for (uint64_t i = 0; i < run->count; i++) {
        void *code;
        list->closures[i * run->second % list->live] = make(&run->third, &code);
        sum += code != NULL;
    }
    run->nanoseconds = now() - start;
    run->sum = sum;
}
