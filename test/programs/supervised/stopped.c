/* A parent stops, continues and kills its child, and waits for each wait status. */
#include "../check.h"
#include <signal.h>
#include <sys/wait.h>

static int ends[2];

static void handle(int signal)
{
    CHECK(write(ends[1], signal == SIGCONT ? "c" : "s", 1) == 1);
}

static void tell(pid_t child, int options)
{
    int status;
    CHECK(waitpid(child, &status, options) == child);
    if (WIFSTOPPED(status))
        printf("stopped by %d\n", WSTOPSIG(status));
    else if (WIFCONTINUED(status))
        puts("continued");
    else if (WIFSIGNALED(status))
        printf("killed by %d, core %d\n", WTERMSIG(status), WCOREDUMP(status) != 0);
    else
        printf("exited with %d\n", WEXITSTATUS(status));
}

int main(void)
{
    char byte = 0;
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0); /* the kernel does not stop an orphaned process group */
        signal(SIGCONT, handle);
        handle(SIGUSR1);
        for (;;)
            pause();
    }
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 's');
    int stops[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
    for (int index = 0; index < 4; index++) {
        CHECK(kill(child, stops[index]) == 0);
        tell(child, WUNTRACED);
        CHECK(kill(child, SIGCONT) == 0);
        tell(child, WCONTINUED);
        CHECK(read(ends[0], &byte, 1) == 1 && byte == 'c');
    }
    CHECK(kill(child, SIGSTOP) == 0);
    siginfo_t info;
    CHECK(waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOWAIT) == 0);
    printf("waitid: code %d, status %d\n", info.si_code, info.si_status);
    tell(child, WUNTRACED);
    CHECK(kill(child, SIGTERM) == 0); /* delivered after SIGCONT */
    CHECK(waitpid(child, NULL, WNOHANG) == 0);
    CHECK(kill(child, SIGCONT) == 0);
    tell(child, 0);
    /* A child that stops itself, with and without threads, and is killed while stopped. */
    child = fork();
    if (child == 0) {
        raise(SIGSTOP);
        _exit(5);
    }
    tell(child, WUNTRACED);
    kill(child, SIGKILL);
    tell(child, 0);
    return success();
}
