/* What invoking trampolines of many instances does, fast and slow; and calls in a storm of signals. */
#include "syscalls.h"

#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

/* The signal that ends a child which invokes; 0 when it comes back. */
static int deadly(uintptr_t address)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        ((long (*)(long))address)(2);
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static double scale(double a, double b, const double *by) { return (a - b) * *by; }

static void invocations(void)
{
    static const double two = 2;
    struct trampfd_reg adds[] = {reg(TRAMPFD_REG_PC, (uintptr_t)add), reg(TRAMPFD_REG_ARG1, 0)};
    struct trampfd_reg scales[] = {reg(TRAMPFD_REG_PC, (uintptr_t)scale),
                                   reg(TRAMPFD_REG_ARG0, (uintptr_t)&two)};
    for (uint32_t flags = 0; flags <= TRAMPFD_SLOW; flags++) {
        int fd = make_user(flags, 1000);
        struct trampfd_map map;
        uintptr_t address = 0;
        EXPECT(0, trampfd_get_map(fd, &map));
        EXPECT(0, trampfd_map(fd, &address));
        TRUE(map.stride > 0 && map.size >= map.ioffset + 1000 * map.stride);
        for (uint32_t i = 1; i < 1000; i++) {
            adds[1].value = i;
            EXPECT(0, trampfd_set_regs_at(fd, i, adds, 2));
        }
        for (uint32_t i = 1; i < 1000; i += 37)
            TRUE(((long (*)(long))(address + i * map.stride))(2) == 2 + (long)i);
        EXPECT(0, trampfd_set_regs_at(fd, 5, scales, 2));
        TRUE(((double (*)(double, double))(address + 5 * map.stride))(5, 2) == 6);

        /* Without registers, and anywhere but at a start, nothing is run. */
        const int trap = flags == TRAMPFD_SLOW ? SIGSEGV : SIGTRAP;
        TRUE(deadly(address) == trap);
        TRUE(deadly(address + map.stride) == 0);
        if (flags == TRAMPFD_SLOW)
            TRUE(deadly(address + map.stride + 1) == SIGSEGV);
        EXPECT(0, trampfd_set_regs_at(fd, 1, NULL, 0));
        TRUE(deadly(address + map.stride) == trap);

        /* A list that does not have the PC: slow objects look at each invocation, fast ones do not. */
        const uint64_t pc = (uintptr_t)puts;
        EXPECT(0, trampfd_set_allowed_pcs_at(fd, 2, &pc, 1));
        TRUE(deadly(address + 2 * map.stride) == (flags == TRAMPFD_SLOW ? SIGSEGV : 0));
        if (flags == TRAMPFD_SLOW) {
            const uint64_t all[] = {1, UINT64_MAX}, none[] = {1, 2};
            EXPECT(0, trampfd_set_allowed_callers_at(fd, 3, all, 2));
            TRUE(deadly(address + 3 * map.stride) == 0);
            EXPECT(0, trampfd_set_allowed_callers_at(fd, 3, none, 2));
            TRUE(deadly(address + 3 * map.stride) == SIGSEGV);
        }
        TRUE(((long (*)(long))(address + 999 * map.stride))(2) == 1001);
        close(fd);
    }
}

static void on_alarm(int signal) { (void)signal; }

/* Signals interrupt calls, but not the functions of the header. */
static void storm(void)
{
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    struct sigaction action;
    struct trampfd_reg regs[] = {reg(TRAMPFD_REG_PC, (uintptr_t)add), reg(TRAMPFD_REG_ARG1, 0)}, seen[2];
    int first = -1;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (uint64_t i = 0; i < 500; i++) {
        uintptr_t address = 0;
        int fd = make_user(0, 1);
        if (i == 0)
            first = fd;
        TRUE(fd == first); /* no descriptor was lost */
        regs[1].value = i;
        EXPECT(0, trampfd_set_regs(fd, regs, 2));
        TRUE(trampfd_get_regs(fd, seen, 2) == 2 && seen[1].value == i);
        EXPECT(0, trampfd_map(fd, &address));
        TRUE(((long (*)(long))address)(2) == 2 + (long)i);
        EXPECT(0, trampfd_unmap(fd, address));
        close(fd);
    }
    setitimer(ITIMER_REAL, &never, NULL);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* children inherit no text to print again */
    invocations();
    storm();
    return conclude();
}
