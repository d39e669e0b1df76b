/*
 * GCC's stack trampoline: a nested function whose address is taken. It needs a writable and executable stack. The loop
 * runs on a stack of its own, so that no other stack needs to be executable. If the system refuses such memory,
 * run_nested returns the errno.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "run.h"

enum { stack_size = 256 * 1024 };

static ucontext_t caller, callee;
static struct run *current;

static void loop_over_nested(void)
{
    struct run inner = *current;
    uint64_t bound = inner.third;
    uint64_t nested(uint64_t first, uint64_t second, uint64_t third)
    {
        (void)third;
        return first + second + bound;
    }
    inner.call = nested;
    inner.third = 0;
    call_loop(&inner);
    current->sum = inner.sum;
    current->nanoseconds = inner.nanoseconds;
}

/* Calls a nested function that uses `third`. Returns 0 or an errno. */
int run_nested(struct run *run)
{
    static void *stack = MAP_FAILED;
    if (stack == MAP_FAILED)
        stack = mmap(0, stack_size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED || getcontext(&callee) != 0)
        return errno;
    callee.uc_stack.ss_sp = stack;
    callee.uc_stack.ss_size = stack_size;
    callee.uc_link = &caller;
    current = run;
    makecontext(&callee, loop_over_nested, 0);
    return swapcontext(&caller, &callee) == 0 ? 0 : errno;
}
