/* clone with unusual flags: shared memory without threads, another exit signal, an untraced child. */
#define _GNU_SOURCE
#include "../check.h"
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

static int shared;

static int child(void *argument)
{
    shared += *(int *)argument;
    return shared;
}

static int run(int flags, int add)
{
    static char stack[65536];
    int status;
    pid_t pid = clone(child, stack + sizeof stack, flags, &add);
    CHECK(pid > 0 && waitpid(pid, &status, __WALL) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

int main(void)
{
    signal(SIGUSR1, SIG_IGN);
    printf("%d, here %d\n", run(SIGCHLD, 1), shared);
    printf("%d, here %d\n", run(CLONE_VM | SIGCHLD, 2), shared);
    printf("%d, here %d\n", run(CLONE_VM | CLONE_VFORK | SIGUSR1, 3), shared);
    printf("%d, here %d\n", run(CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, 4), shared);
    printf("%d, here %d\n", run(CLONE_UNTRACED | SIGCHLD, 5), shared);
    printf("%d, here %d\n", run(0, 6), shared);
    return success();
}
