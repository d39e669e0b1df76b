/* Process groups and sessions: membership, orphaned groups, signals to groups. */
#define _GNU_SOURCE
#include "../check.h"
#include <signal.h>
#include <sys/wait.h>

static volatile sig_atomic_t count;

static void handle(int signal)
{
    (void)signal;
    count++;
}

int main(void)
{
    int status, ends[2];
    char byte;
    CHECK(pipe(ends) == 0);
    signal(SIGUSR1, handle);
    pid_t child = fork();
    if (child == 0) {
        CHECK(setsid() == getpid() && getpgid(0) == getpid() && getsid(0) == getpid());
        CHECK(setsid() == -1 && errno == EPERM);
        CHECK(kill(0, SIGUSR1) == 0 && count == 1);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0 && count == 0);
    pid_t members[3];
    for (int index = 0; index < 3; index++) {
        members[index] = fork();
        if (members[index] == 0) {
            setpgid(0, index == 0 ? 0 : members[0]);
            CHECK(write(ends[1], "r", 1) == 1);
            for (;;)
                pause();
        }
        setpgid(members[index], members[0]);
    }
    for (int index = 0; index < 3; index++)
        CHECK(read(ends[0], &byte, 1) == 1);
    CHECK(kill(-members[0], SIGSTOP) == 0);
    for (int index = 0; index < 3; index++)
        CHECK(waitpid(-members[0], &status, WUNTRACED) > 0 && WIFSTOPPED(status));
    CHECK(kill(-members[0], SIGKILL) == 0);
    for (int index = 0; index < 3; index++)
        CHECK(waitpid(-members[0], &status, 0) > 0 && WTERMSIG(status) == SIGKILL);
    CHECK(waitpid(-members[0], &status, 0) == -1 && errno == ECHILD);
    CHECK(killpg(members[0], 0) == -1 && errno == ESRCH);
    /* Each process of the program's own group receives it once. */
    CHECK(kill(0, SIGUSR1) == 0);
    usleep(100000);
    printf("once: %d\n", count);
    return success();
}
