/* Signal state across exec: handlers, masks, pending signals, alternate stacks. */
#include "../check.h"
#include <signal.h>

static void handle(int signal)
{
    (void)signal;
}

int main(int argc, char **argv)
{
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    struct sigaction action;
    sigset_t set;
    if (argc == 1) {
        CHECK(sigaltstack(&stack, NULL) == 0);
        signal(SIGUSR1, handle);
        signal(SIGUSR2, SIG_IGN);
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_BLOCK, &set, NULL);
        raise(SIGTERM);
        alarm(100);
        execl("/proc/self/exe", argv[0], "again", (char *)NULL);
    }
    CHECK(sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_DISABLE) != 0);
    CHECK(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    CHECK(sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    CHECK(sigpending(&set) == 0 && sigismember(&set, SIGTERM) == 1);
    CHECK(alarm(0) > 90);
    return success();
}
