/* All kinds of timers expire as often as requested. */
#include "../check.h"
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

static volatile sig_atomic_t count, value;

static void handle(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    count++;
    value = info->si_code == SI_TIMER ? info->si_value.sival_int : 0;
}

static void until(int times)
{
    while (count < times)
        pause();
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    int signals[] = {SIGALRM, SIGVTALRM, SIGPROF, SIGRTMIN};
    for (int index = 0; index < 4; index++)
        sigaction(signals[index], &action, NULL);
    struct itimerval every = {{0, 5000}, {0, 5000}}, none = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &every, NULL);
    until(10);
    setitimer(ITIMER_REAL, &none, NULL);
    puts("ITIMER_REAL");
    count = 0;
    setitimer(ITIMER_VIRTUAL, &every, NULL);
    while (count < 3)
        ;
    setitimer(ITIMER_VIRTUAL, &none, NULL);
    puts("ITIMER_VIRTUAL");
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 99};
    timer_t timer;
    struct itimerspec spec = {{0, 5000000}, {0, 5000000}};
    count = 0;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
    until(5);
    CHECK(timer_delete(timer) == 0);
    printf("timer with %d\n", value);
    uint64_t expired;
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    CHECK(timerfd_settime(fd, 0, &spec, NULL) == 0);
    CHECK(read(fd, &expired, sizeof expired) == sizeof expired && expired >= 1);
    count = 0;
    alarm(1);
    until(1);
    puts("alarm");
    return success();
}
