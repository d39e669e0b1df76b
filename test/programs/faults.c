/* Faults of the program itself, and its handler for them, which reports its arguments. */
#define _GNU_SOURCE
#include "processor.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

struct seen { int64_t count, code, address, pc, value, mask, one, other; };
enum { READ, WRITE, CALL, KILL, TGKILL, QUEUE };
enum { VALUE = 0x1234567 };

static struct seen seen;
static sigjmp_buf back;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    sigset_t mask;
    (void)signal;
    pthread_sigmask(SIG_BLOCK, 0, &mask);
    seen.count++;
    seen.code = info->si_code;
    seen.address = (int64_t)info->si_addr;
    seen.pc = (int64_t)PC_OF(context);
    seen.value = info->si_code == SI_QUEUE ? info->si_value.sival_int : 0;
    memcpy(&seen.mask, &mask, sizeof seen.mask);
#if defined(__x86_64__)
    seen.one = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX];
    seen.other = ((ucontext_t *)context)->uc_mcontext.gregs[REG_R11];
#elif defined(__aarch64__)
    seen.one = (int64_t)((ucontext_t *)context)->uc_mcontext.regs[0];
    seen.other = (int64_t)((ucontext_t *)context)->uc_mcontext.regs[16];
#endif
    if (info->si_code > 0) siglongjmp(back, 1);
}

/* 0: the default, 1: ignore, 2: a handler that blocks SIGUSR2 as well. */
int faults_dispose(int how)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK, .sa_sigaction = on_fault};
    sigaddset(&action.sa_mask, SIGUSR2);
    if (how < 2) action = (struct sigaction){.sa_handler = how == 0 ? SIG_DFL : SIG_IGN};
    return sigaction(SIGSEGV, &action, 0);
}

void faults_tell(struct seen *told) { *told = seen; }

/* Calls with values in two registers that the handler of slow trampolines uses. */
static void call(volatile char *at)
{
#if defined(__x86_64__)
    register long r11 __asm__("r11") = VALUE + 1;
    long rax = VALUE;
    __asm__ volatile("call *%2" : "+a"(rax), "+r"(r11) : "r"(at)
                     : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "memory", "cc");
#elif defined(__aarch64__)
    register long x0 __asm__("x0") = VALUE, x16 __asm__("x16") = VALUE + 1;
    __asm__ volatile("blr %2" : "+r"(x0), "+r"(x16) : "r"(at)
                     : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                       "x15", "x17", "x18", "x30", "memory", "cc");
#endif
}

/* Does what is wrong. Returns 1 when the handler came back by itself, 0 when there was nothing to see. */
int faults_do(int what, volatile char *at)
{
    if (sigsetjmp(back, 1) != 0) return 1;
    switch (what) {
    case READ: (void)*at; break;
    case WRITE: *at = 1; break;
    case CALL: call(at); break;
    case KILL: kill(getpid(), SIGSEGV); break;
    case TGKILL: pthread_kill(pthread_self(), SIGSEGV); break;
    case QUEUE: sigqueue(getpid(), SIGSEGV, (union sigval){.sival_int = VALUE}); break;
    }
    return 0;
}
