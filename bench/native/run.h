/* What the measured loops are told and tell. To TypeScript it is a row of 64-bit words; see bench/native.ts. */
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef uint64_t function(uint64_t first, uint64_t second, uint64_t third);

struct run {
    function *call;
    uint64_t second;
    uint64_t third;
    uint64_t count;
    uint64_t sum;
    uint64_t nanoseconds;
};

void call_loop(struct run *run);

/* Not inline: the loops around it shall keep their registers. It asks the kernel itself: the vDSO tries again when
   the clock is changed meanwhile, and then loops would differ in instructions. */
static __attribute__((noinline, unused)) uint64_t now(void)
{
    struct timespec time;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}
