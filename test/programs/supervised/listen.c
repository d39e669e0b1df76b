/* Prints every signal that arrives, until EOF. */
#include "../check.h"
#include <signal.h>

static void handle(int signal, siginfo_t *info, void *context)
{
    char line[64];
    int value = info->si_code == SI_QUEUE ? info->si_value.sival_int : 0;
    (void)context;
    int length = snprintf(line, sizeof line, "signal %d value %d\n", signal, value);
    CHECK(write(1, line, (size_t)length) == length);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_RESTART};
    char byte;
    sigfillset(&action.sa_mask);
    for (int signal = 1; signal <= SIGRTMAX; signal++)
        sigaction(signal, &action, NULL);
    printf("process %d\n", getpid());
    fflush(stdout);
    while (read(0, &byte, 1) != 0)
        ;
    return success();
}
