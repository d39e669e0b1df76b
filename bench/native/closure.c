/* The loop that calls all kinds of callbacks, as qsort calls comparators. */
#include "run.h"

typedef int compare(const void *first, const void *second);

/* JavaScript returns the difference of the pointers, so the sum proves each call and its arguments. */
void closure_loop(struct run *run)
{
    compare *call = (compare *)(uintptr_t)run->call;
    const char *base = (const char *)(uintptr_t)run->second;
    uint64_t count = run->count, sum = 0;
    uint64_t start = now();
    for (uint64_t i = 0; i < count; i++)
        sum += (uint64_t)call(base, base + 3 + (i & 7));
    run->nanoseconds = now() - start;
    run->sum = sum;
}
