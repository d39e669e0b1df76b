/*
 * Alternatives to a slow trampoline, minimal and correct: signal handlers that set the third argument and the PC, and
 * return through sigreturn.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "run.h"

#ifdef __x86_64__

uint64_t target(uint64_t first, uint64_t second, uint64_t third);

static struct sigaction previous;
static char *page;
static uint64_t bound;

/* Handles a fault only if it is an instruction fetch from our page, as a correct handler must. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    if (info->si_code > 0 && registers[REG_RIP] == (greg_t)page && info->si_addr == page &&
        (registers[REG_ERR] & 0x10)) {
        registers[REG_RDX] = bound;
        registers[REG_RIP] = (greg_t)target;
        return;
    }
    if (previous.sa_flags & SA_SIGINFO)
        previous.sa_sigaction(signal, info, context);
    else
        sigaction(signal, &previous, 0);
}

/* Calls a page without access; a C handler is installed during the loop. Returns 0 or an errno. */
int run_fault_handler(struct run *run)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct run inner = *run;
    /* The kernel's record of the current action. sigaction(3) would change its restorer, and the handler of slow
       trampolines takes a call that returns to another restorer for one of another handler. */
    uint64_t kernel_action[4];
    if (syscall(SYS_rt_sigaction, SIGSEGV, 0, kernel_action, 8) != 0)
        return errno;
    if (page == 0)
        page = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || sigaction(SIGSEGV, &action, &previous) != 0)
        return errno;
    bound = run->third;
    inner.call = (function *)page;
    inner.third = 0;
    call_loop(&inner);
    run->sum = inner.sum;
    run->nanoseconds = inner.nanoseconds;
    return syscall(SYS_rt_sigaction, SIGSEGV, kernel_action, 0, 8) == 0 ? 0 : errno;
}

/* Code that traps: int3, after which the PC points. */
__attribute__((naked)) static void trap(void) { __asm__("endbr64; int3"); }

static void on_trap(int signal, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)signal;
    if (info->si_code <= 0 || registers[REG_RIP] != (greg_t)trap + 5)
        __builtin_trap();
    registers[REG_RDX] = bound;
    registers[REG_RIP] = (greg_t)target;
}

int run_trap_handler(struct run *run)
{
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK}, before;
    struct run inner = *run;
    if (sigaction(SIGTRAP, &action, &before) != 0)
        return errno;
    bound = run->third;
    inner.call = (function *)trap;
    inner.third = 0;
    call_loop(&inner);
    run->sum = inner.sum;
    run->nanoseconds = inner.nanoseconds;
    return sigaction(SIGTRAP, &before, 0) == 0 ? 0 : errno;
}

#else

/* Written for x86-64 only. */
int run_fault_handler(struct run *run)
{
    (void)run;
    return ENOSYS;
}

int run_trap_handler(struct run *run)
{
    (void)run;
    return ENOSYS;
}

#endif
