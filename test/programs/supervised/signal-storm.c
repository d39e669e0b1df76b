/* Two processes send each other 2,000 signals with values, in order and without loss. */
#include "../check.h"
#include <signal.h>
#include <sys/wait.h>

int main(void)
{
    enum { many = 2000 };
    sigset_t set;
    siginfo_t info;
    int status;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid_t parent = getpid(), child = fork();
    pid_t other = child == 0 ? parent : child;
    for (int round = 0; round < many; round++) {
        if (child != 0)
            CHECK(sigqueue(other, SIGRTMIN, (union sigval){.sival_int = round}) == 0);
        CHECK(sigwaitinfo(&set, &info) == SIGRTMIN);
        CHECK(info.si_value.sival_int == round && info.si_pid == other);
        if (child == 0)
            CHECK(sigqueue(other, SIGRTMIN, info.si_value) == 0);
    }
    if (child == 0)
        _exit(0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    return success();
}
