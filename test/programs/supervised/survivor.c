/*
 * The supervisor ends, because the first process has exited or because it is killed, while another process makes calls
 * continuously.
 */
#include "../check.h"
#include <signal.h>
#include <sys/wait.h>
#include <trampfd.h>

static long add(long value, long carried)
{
    return value + carried;
}

static void call_until_enosys(const char *name, uintptr_t address)
{
    struct trampfd_user user = {.count = 1};
    int fd;
    alarm(30); /* fail instead of hanging */
    while ((fd = trampfd_create(TRAMPFD_USER, &user, 0)) >= 0)
        close(fd);
    CHECK(errno == ENOSYS);
    struct trampfd_map map;
    CHECK(trampfd_get_map(3, &map) == -1);
    printf("%s: ENOSYS, and %ld\n", name, ((long (*)(long))address)(40));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct trampfd_user user = {.count = 1};
    struct trampfd_reg regs[] = {
        {.name = TRAMPFD_REG_PC, .value = (uintptr_t)add},
        {.name = TRAMPFD_REG_ARG1, .value = 2},
    };
    uintptr_t address;
    int fd = trampfd_create(TRAMPFD_USER, &user, 0);
    CHECK(fd >= 0 && trampfd_set_regs(fd, regs, 2) == 0 && trampfd_map(fd, &address) == 0);
    pid_t supervisor = getppid(), child = fork();
    if (child == 0) {
        setsid();
        call_until_enosys("daemon", address);
        return 0;
    }
    usleep(100000);
    if (argc == 2 && strcmp(argv[1], "kill") == 0) {
        CHECK(kill(supervisor, SIGKILL) == 0);
        CHECK(waitpid(child, NULL, 0) == child);
        call_until_enosys("program", address);
    }
    return 5;
}
