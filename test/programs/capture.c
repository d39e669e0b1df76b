/* The C side of capture.S: hands states in and out. Signals are blocked but for SIGSEGV, which slow trampolines
 * use, and that one has a stack of its own if wanted: frames would be written below the stack pointer, where the
 * test looks for bytes that must not be written. */
#include <signal.h>
#include <stdint.h>

struct state {
#if defined(__x86_64__)
    uint64_t registers[15]; /* rax rbx rcx rdx rsi rdi rbp r8 to r15 */
#elif defined(__aarch64__)
    uint64_t registers[31];
#endif
    uint64_t sp;
    uint64_t entry; /* what to jump to */
    uint64_t flags;
#if defined(__x86_64__)
    uint32_t mxcsr;
    uint32_t x87; /* the control word */
    uint8_t vectors[16][16];
#elif defined(__aarch64__)
    uint32_t fpcr;
    uint32_t fpsr;
    uint8_t vectors[32][16];
#endif
};
/* capture.S knows the offsets. */
#if defined(__x86_64__)
_Static_assert(sizeof(struct state) == 408, "of x86-64");
#elif defined(__aarch64__)
_Static_assert(sizeof(struct state) == 792, "of arm64");
#endif

__attribute__((visibility("hidden"))) struct state capture_in, capture_out;
__attribute__((visibility("hidden"))) void capture_run(void);

static char signal_stack[1 << 16];

void capture(const struct state *in, struct state *out, int other_stack)
{
    stack_t own = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack, .ss_flags = other_stack ? 0 : SS_DISABLE};
    stack_t old;
    sigset_t others, before;
    sigfillset(&others);
    sigdelset(&others, SIGSEGV);
    pthread_sigmask(SIG_BLOCK, &others, &before);
    sigaltstack(&own, &old);
    capture_in = *in;
    capture_run();
    *out = capture_out;
    sigaltstack(&old, 0);
    pthread_sigmask(SIG_SETMASK, &before, 0);
}
