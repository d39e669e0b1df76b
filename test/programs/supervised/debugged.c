/* A thread with another tracer creates a slow object: the call is refused, and no process hangs. */
#include "../slow.h"
#include <sys/ptrace.h>

int main(void)
{
    uintptr_t address;
    struct trampfd_user fast = {0}, slow = {.flags = TRAMPFD_SLOW};
    int status;
    pid_t child = fork();
    if (child == 0) {
        CHECK(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
        raise(SIGSTOP);
        CHECK(trampfd_create(TRAMPFD_USER, &fast, 0) >= 0);
        CHECK(trampfd_create(TRAMPFD_USER, &slow, 0) == -1 && errno == EPERM);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
    CHECK(ptrace(PTRACE_CONT, child, 0, 0) == 0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);

    /* A process with a slow object cannot be traced, and an attempt does not disturb it. */
    CHECK(make_slow(sum, 5, &address) >= 0);
    child = fork();
    if (child == 0) _exit(ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0 || errno != EPERM || !sums(address, 5));
    CHECK(succeeded(child));
    CHECK(ptrace(PTRACE_TRACEME, 0, 0, 0) == -1 && errno == EPERM);
    CHECK(sums(address, 5));
    puts("EXIT-SUCCESS");
    return 0;
}
