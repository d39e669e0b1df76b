/* Handlers, and callers of trampolines that have them. */
#define _GNU_SOURCE
#include "processor.h"
#include "saved-registers.h"
#include <pthread.h>
#include <signal.h>
#include <string.h>

/* What the handler saw at its last call, and what it leaves, which the test writes. */
struct script {
    struct saved_registers left, seen;
    uint64_t block, trampoline, stack, flags;
};
struct script script;

/* More than there are registers for. */
enum { ARGUMENTS = 10 };
typedef int64_t ten_numbers(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t);

/* Everything that a C function may change: psABI, figure 3.4; AAPCS64, section 6.1. */
static inline void spoil(void)
{
#if defined(__x86_64__)
    __asm__ volatile(
        "mov $0x5a5a5a5a, %%eax; mov %%rax, %%rcx; mov %%rax, %%rdx; mov %%rax, %%rsi; mov %%rax, %%rdi\n"
        "mov %%rax, %%r8; mov %%rax, %%r9; mov %%rax, %%r10; mov %%rax, %%r11\n"
        ".irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
        "movq %%rax, %%xmm\\number\n"
        ".endr\n"
        "add %%al, %%al\n" ::: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc", "memory",
        "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
        "xmm13", "xmm14", "xmm15");
#elif defined(__aarch64__)
    __asm__ volatile(
        "movz x0, #0x5a5a\n"
        ".irp number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18\n"
        "mov x\\number, x0\n"
        ".endr\n"
        ".irp number, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n"
        "fmov d\\number, x0\n"
        ".endr\n"
        "adds x0, x0, x0\n" ::: "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
        "x13", "x14", "x15", "x16", "x17", "x18", "cc", "memory", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",
        "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",
        "v31");
#endif
}

void follow_script(struct saved_registers *saved, void *trampoline)
{
#if defined(__x86_64__)
    __asm__ volatile("pushfq; popq %0" : "=m"(script.flags));
#endif
    script.seen = *saved;
    script.block = (uint64_t)saved;
    script.trampoline = (uint64_t)trampoline;
    script.stack = (uint64_t)__builtin_dwarf_cfa(); /* the stack pointer at the call */
    *saved = script.left;
    spoil();
}

/* The sum of all arguments, those on the stack too, in both registers for results. */
void sum_arguments(struct saved_registers *saved, void *trampoline)
{
    double sum = 0, number;
    uint64_t whole = 0;
    (void)trampoline;
    for (int i = 0; i < 8; i++) {
        memcpy(&number, saved->VECTORS[i], sizeof number);
        sum += number;
    }
    for (int i = 0; i < ARGUMENTS; i++) whole += argument(saved, i);
    saved->RESULT = whole;
    memcpy(saved->VECTORS[0], &sum, sizeof sum);
    spoil();
}

/* A handler that changes nothing: then another function finds its arguments, and its caller as return address. */
uint64_t redirect_to;
void redirect(struct saved_registers *saved, void *trampoline)
{
    (void)trampoline;
#if defined(__x86_64__)
    saved->sp -= 8;
    *(uint64_t *)saved->sp = saved->pc;
#endif
    saved->pc = redirect_to;
    spoil();
}

/* Calls the next trampoline of a chain, whose last handler counts; adds one to what comes back. */
uint64_t chain[16];
static __thread int depth;
void next_of_chain(struct saved_registers *saved, void *trampoline)
{
    uint64_t next = chain[++depth];
    (void)trampoline;
    saved->RESULT = next == 0 ? saved->ARG0 : ((uint64_t(*)(uint64_t))next)(saved->ARG0 + 1) + 1;
    depth--;
    spoil();
}

/* Threads that call one trampoline, each with numbers of its own. Returns how many answers were wrong. */
struct work {
    pthread_t thread;
    uint64_t trampoline;
    int64_t number;
    long rounds, wrong;
};

static void *call_again_and_again(void *argument)
{
    struct work *work = argument;
    ten_numbers *call = (ten_numbers *)work->trampoline;
    int64_t n = work->number;
    for (long i = 0; i < work->rounds; i++)
        if (call(n, i, n, i, n, i, n, i, n, i) != 5 * (n + i)) work->wrong++;
    return 0;
}

long wrong_in_threads(uint64_t trampoline, int threads, long rounds)
{
    struct work works[16];
    long wrong = 0;
    for (int i = 0; i < threads; i++) {
        works[i] = (struct work){.trampoline = trampoline, .number = 1000003L * (i + 1), .rounds = rounds};
        pthread_create(&works[i].thread, 0, call_again_and_again, &works[i]);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(works[i].thread, 0);
        wrong += works[i].wrong;
    }
    return wrong;
}

/* Adds 1 or 1000 to the argument: one is put in the place of the other while threads call. */
void add_one(struct saved_registers *saved, void *trampoline)
{
    (void)trampoline;
    saved->RESULT = saved->ARG0 + 1;
}

void add_thousand(struct saved_registers *saved, void *trampoline)
{
    (void)trampoline;
    saved->RESULT = saved->ARG0 + 1000;
}

static volatile int stop;
static pthread_t changing;
static struct work change;

static void *call_until_told(void *argument)
{
    uint64_t (*call)(uint64_t) = (uint64_t(*)(uint64_t))change.trampoline;
    (void)argument;
    for (uint64_t i = 0; !stop; i++) {
        uint64_t sum = call(i);
        if (sum != i + 1 && sum != i + 1000) change.wrong++;
        change.rounds++;
    }
    return 0;
}

void start_calls(uint64_t trampoline)
{
    change = (struct work){.trampoline = trampoline};
    stop = 0;
    pthread_create(&changing, 0, call_until_told, 0);
}

/* Returns how many answers were wrong, or -1 when there were none. */
long stop_calls(void)
{
    stop = 1;
    pthread_join(changing, 0);
    return change.rounds == 0 ? -1 : change.wrong;
}

/* Where the handler stood when a signal handler called the trampoline: whether on the signal's own stack. */
static uint64_t from_signal;
static char signal_stack[1 << 16];
static int on_signal_stack;

void look_at_stack(struct saved_registers *saved, void *trampoline)
{
    char *here = (char *)saved;
    (void)trampoline;
    on_signal_stack = signal_stack <= here && here < signal_stack + sizeof signal_stack;
    saved->RESULT = 17;
    spoil();
}

static int answer;
static void on_signal(int number)
{
    (void)number;
    answer = ((int (*)(void))from_signal)();
}

/* 17, with 100 if the handler was on the signal's stack. */
int call_from_signal(uint64_t trampoline)
{
    stack_t own = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack}, old_stack;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK}, old_action;
    from_signal = trampoline;
    sigaltstack(&own, &old_stack);
    sigaction(SIGUSR2, &action, &old_action);
    pthread_kill(pthread_self(), SIGUSR2);
    sigaction(SIGUSR2, &old_action, 0);
    sigaltstack(&old_stack, 0);
    return answer + 100 * on_signal_stack;
}

#if defined(__x86_64__)
/* A call with a signal behind every instruction. What its frame may overwrite, all below the red zone, is
 * overwritten; the signal itself has another stack, so that nothing is left as it was by chance. */
static volatile long signals;
static void on_step(int number, siginfo_t *info, void *context)
{
    char *sp = (char *)SP_OF(context);
    (void)number, (void)info;
    memset(sp - 128 - 4096, 0xee, 4096);
    signals++;
    spoil();
}

/* The sum, if values that the compiler keeps in registers across the call are what they were. */
int64_t sum_step_by_step(uint64_t trampoline)
{
    int64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
    stack_t own = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack}, old_stack;
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO | SA_ONSTACK}, old_action;
    signals = 0;
    sigaltstack(&own, &old_stack);
    sigaction(SIGTRAP, &action, &old_action);
    __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq" ::: "cc", "memory"); /* TF */
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    int64_t result = ((ten_numbers *)trampoline)(1, 20, 300, 4000, 50000, 600000, 7000000, 80000000, 900000000, 1000000000);
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    __asm__ volatile("pushfq; andl $~0x100, (%%rsp); popfq" ::: "cc", "memory");
    sigaction(SIGTRAP, &old_action, 0);
    sigaltstack(&old_stack, 0);
    return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * f == 654321 ? result : -1;
}

long signals_seen(void) { return signals; }
#endif

/* Saves where it is, by a trampoline whose handler copies the block, and goes back there with resumeRegisters. */
static struct saved_registers here;
void keep_registers(struct saved_registers *saved, void *trampoline)
{
    (void)trampoline;
    here = *saved;
    here.RESULT = 1;
    saved->RESULT = 0;
}

__attribute__((noinline)) static void deeper(int levels, uint64_t resume)
{
    volatile char frame[256];
    memset((void *)frame, levels, sizeof frame);
    if (levels > 0) deeper(levels - 1, resume);
    else ((void (*)(const struct saved_registers *))resume)(&here);
    frame[0] = frame[1];
}

/* Like setjmp and longjmp: the trampoline returns 0, and then once more, 1. Returns how often it returned. */
int return_twice(uint64_t trampoline, uint64_t resume)
{
    volatile int returns = 0;
    int value = ((int (*)(void))trampoline)();
    returns++;
    if (value == 0) deeper(20, resume);
    return returns;
}
