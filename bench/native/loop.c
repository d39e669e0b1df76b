/* The one loop that every contender is called from: the same instructions for all, only the pointer differs. */
#include "run.h"

/* The count is part of what is summed up, so the sum tells that each call was made and what it was given.
   The sum stays in a register: a counter in memory would take longer than a trampoline and hide it. */
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
