/* siginfo of handlers: the sender, values, the code; also of signals that were blocked. */
#include "../check.h"
#include <signal.h>
#include <sys/types.h>

static volatile sig_atomic_t count, last_signal, last_code, last_value;
static volatile pid_t last_pid;

static void handle(int signal, siginfo_t *info, void *context)
{
    (void)context;
    count++;
    last_signal = signal;
    last_code = info->si_code;
    last_value = info->si_value.sival_int;
    last_pid = info->si_pid;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGSEGV, SIGTRAP, SIGCHLD, SIGTSTP, SIGCONT, SIGRTMIN, SIGRTMAX};
    for (size_t index = 0; index < sizeof signals / sizeof signals[0]; index++) {
        int signal = signals[index];
        CHECK(sigaction(signal, &action, NULL) == 0);
        count = 0;
        CHECK(kill(getpid(), signal) == 0);
        printf("%d: %d times, code %d, own %d\n", last_signal, count, last_code, last_pid == getpid());
        CHECK(sigqueue(getpid(), signal, (union sigval){.sival_int = 4711 + signal}) == 0);
        printf("%d: %d times, code %d, value %d\n", last_signal, count, last_code, last_value);
        CHECK(raise(signal) == 0);
        printf("%d: %d times, code %d\n", last_signal, count, last_code);
    }
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int round = 0; round < 5; round++) {
        kill(getpid(), SIGUSR1);
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = round});
    }
    siginfo_t info;
    for (int round = 0; round < 6; round++) {
        int signal = sigwaitinfo(&set, &info);
        printf("waited for %d, code %d, value %d\n", signal, info.si_code, signal == SIGRTMIN ? info.si_value.sival_int : 0);
    }
    struct timespec none = {0, 0};
    CHECK(sigtimedwait(&set, &info, &none) == -1 && errno == EAGAIN);
    return success();
}
