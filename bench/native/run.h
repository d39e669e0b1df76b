/* Parameters and results of the measured loops. TypeScript has them as 64-bit words; see bench/native.ts. */
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

/* Not inline, so that it does not change the registers of the loops. A system call, since the vDSO retries if the
   clock changes, which would make the number of instructions vary. */
static __attribute__((noinline, unused)) uint64_t now(void)
{
    struct timespec time;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}
