/* The C side of capture.S: hands states in and out, with signals blocked, since their frames would be written
 * below the stack pointer, where the test looks for bytes that nobody may write. */
#include <signal.h>
#include <stdint.h>

struct state {
    uint64_t registers[15]; /* rax rbx rcx rdx rsi rdi rbp r8 to r15 */
    uint64_t sp;
    uint64_t entry; /* what to jump to */
    uint64_t flags;
    uint32_t mxcsr;
    uint32_t x87; /* the control word */
    uint8_t xmm[16][16];
};
_Static_assert(sizeof(struct state) == 408, "capture.S knows the offsets");

__attribute__((visibility("hidden"))) struct state capture_in, capture_out;
__attribute__((visibility("hidden"))) void capture_run(void);

void capture(const struct state *in, struct state *out)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    capture_in = *in;
    capture_run();
    *out = capture_out;
    pthread_sigmask(SIG_SETMASK, &before, 0);
}
