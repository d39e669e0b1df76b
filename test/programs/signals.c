/* Invocations inside signal handlers, on alternate stacks, and what a target finds there. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

typedef long entry(void);
struct state { uint64_t mask, stack, flags, size; };
enum { PLAIN, OTHER_STACK, AUTODISARM };

static entry *called;
static volatile long answer, depth;
static struct state at_target;
static sigjmp_buf back;

static struct state look(void)
{
    struct state now = {0};
    sigset_t mask;
    stack_t stack;
    pthread_sigmask(SIG_BLOCK, 0, &mask);
    sigaltstack(0, &stack);
    memcpy(&now.mask, &mask, sizeof now.mask);
    now.stack = (uint64_t)stack.ss_sp;
    now.flags = stack.ss_flags;
    now.size = stack.ss_size;
    return now;
}

static int differ(struct state a, struct state b) { return memcmp(&a, &b, sizeof a) != 0; }

/* Target of the trampolines. At the second level it raises the other signal, whose handler invokes again. */
long observe(long value)
{
    at_target = look();
    if (depth == 2) { depth = 1; raise(SIGUSR2); }
    return value;
}
void leave(int value) { siglongjmp(back, value); }

static void on_signal(int signal)
{
    (void)signal;
    struct state here = look();
    long got = called();
    answer += got;
    if (differ(at_target, here) && depth == 0) answer = -1;
}

static void use(int signal, int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(signal, &action, 0);
}

/* Invokes outside a handler, in one, nested, and outside again. Returns 0, or the number of what was wrong. */
int signals_invoke(entry *trampoline, long value, int how)
{
    size_t size = 1 << 16;
    stack_t own = {.ss_sp = malloc(size), .ss_size = size, .ss_flags = how == AUTODISARM ? (int)SS_AUTODISARM : 0};
    stack_t none = {.ss_flags = SS_DISABLE};
    called = trampoline;
    answer = depth = 0;
    if (sigaltstack(how == PLAIN ? &none : &own, 0) != 0) return 1;
    use(SIGUSR1, how == PLAIN ? 0 : SA_ONSTACK);
    use(SIGUSR2, 0);
    struct state before = look();
    for (int round = 0; round < 3; round++) {
        if (trampoline() != value || differ(at_target, before) || differ(look(), before)) return 2;
        answer = 0;
        raise(SIGUSR1);
        if (answer != value || differ(look(), before)) return 3;
    }
    depth = 2;
    answer = 0;
    raise(SIGUSR1);
    if (answer != 2 * value || differ(look(), before)) return 4;
    depth = 0;
    sigaltstack(&none, 0);
    free(own.ss_sp);
    return 0;
}

static volatile long alarms, wrong;
static void on_alarm(int signal) { (void)signal; alarms++; wrong += called() != answer; }
long quick(long value) { return value; }

/* Invokes while a timer's handler does so, too. Returns how many answers were wrong. */
long signals_alarm(entry *trampoline, long value, long wanted)
{
    struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    called = trampoline;
    answer = value;
    alarms = wrong = 0;
    sigaction(SIGALRM, &action, 0);
    setitimer(ITIMER_REAL, &often, 0);
    while (alarms < wanted) if (trampoline() != value) wrong++;
    setitimer(ITIMER_REAL, &never, 0);
    return wrong;
}

/* The target leaves by siglongjmp. Afterwards the mask is what it was, and invoking still works. */
int signals_jump(entry *trampoline)
{
    struct state before = look();
    int value = sigsetjmp(back, 1);
    if (value == 0) trampoline();
    return differ(look(), before) ? -1 : value;
}
