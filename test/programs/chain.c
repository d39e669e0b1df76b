/* What meets the handler of slow trampolines: overflows, blocked signals, handlers around it. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

typedef long entry(void);

int chain_blocked(entry *trampoline)
{
    sigset_t segv;
    sigemptyset(&segv);
    sigaddset(&segv, SIGSEGV);
    pthread_sigmask(SIG_BLOCK, &segv, 0);
    return (int)trampoline();
}

/* A target that needs more stack than there is. */
__attribute__((noinline)) long overflow(long value)
{
    volatile char page[4096];
    if (value < 0) return 0;
    page[0] = (char)value;
    return overflow(value + 1) + page[0];
}

static sigjmp_buf back;
static void on_overflow(int signal) { (void)signal; siglongjmp(back, 7); }

static void *overflow_thread(void *trampoline)
{
    stack_t own = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
    sigaltstack(&own, 0);
    intptr_t value = sigsetjmp(back, 1);
    if (value == 0) ((entry *)trampoline)();
    return (void *)value;
}

/* 7 when the handler of the overflow was reached, on its own stack. It is installed before or after ours. */
void chain_catch(void)
{
    struct sigaction action = {.sa_handler = on_overflow, .sa_flags = SA_ONSTACK};
    sigaction(SIGSEGV, &action, 0);
}

int chain_overflow(entry *trampoline)
{
    pthread_t thread;
    void *value = 0;
    if (pthread_create(&thread, 0, overflow_thread, (void *)trampoline) != 0) return -1;
    pthread_join(thread, &value);
    return (int)(intptr_t)value;
}

/* Handlers that the program puts before ours, and that ask ours: one calls it, one only jumps there. */
static struct sigaction ours;
static volatile long asked;
static void on_calling(int signal, siginfo_t *info, void *context)
{
    long before = asked;
    ours.sa_sigaction(signal, info, context);
    asked = before + 1;
}
static void on_jumping(int signal, siginfo_t *info, void *context) { ours.sa_sigaction(signal, info, context); }

void chain_wrap(int calling)
{
    struct sigaction action = {.sa_sigaction = calling ? on_calling : on_jumping, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, &ours);
}

long chain_asked(void) { return asked; }

#if defined(__x86_64__)
/* Invokes with NT (the nested-task flag) set, which a program can do and IRETQ does not like. */
long chain_nested_task(entry *trampoline)
{
    long result;
    __asm__ volatile("pushfq\n orq $0x4000, (%%rsp)\n popfq\n call *%1\n pushfq\n andq $~0x4000, (%%rsp)\n popfq"
                     : "=a"(result) : "r"(trampoline)
                     : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    return result;
}
#endif
