/* Traces a child: stops it at its system calls and reads its registers. */
#include "../check.h"
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int main(void)
{
    int status, stops = 0;
    pid_t child = fork();
    if (child == 0) {
        CHECK(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
        raise(SIGSTOP);
        for (int round = 0; round < 5; round++)
            getppid();
        _exit(7);
    }
    CHECK(waitpid(child, &status, 0) == child && WSTOPSIG(status) == SIGSTOP);
    for (;;) {
        CHECK(ptrace(PTRACE_SYSCALL, child, 0, 0) == 0);
        CHECK(waitpid(child, &status, 0) == child);
        if (WIFEXITED(status))
            break;
        stops++;
    }
    printf("%d stops, exit %d\n", stops >= 11, WEXITSTATUS(status));
    return success();
}
