/* Blocks all signals and ignores some, and executes its arguments. */
#include "../check.h"
#include <signal.h>

int main(int argc, char **argv)
{
    int ignored[] = {SIGHUP, SIGPIPE, SIGTSTP, SIGXFSZ, SIGRTMIN + 6};
    sigset_t all;
    CHECK(argc > 1);
    for (size_t index = 0; index < sizeof ignored / sizeof ignored[0]; index++)
        signal(ignored[index], SIG_IGN);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    execvp(argv[1], argv + 1);
    return 1;
}
