/* Timers, alarms, breakpoints, stops and exits, with a slow object if there is a supervisor. */
#include "../slow.h"
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/time.h>

static uintptr_t address;
static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
    alarms += signal == SIGALRM;
    if (address != 0 && alarms % 8 == 0) CHECK(sums(address, 5));
}

/* An alarm every millisecond during other work. */
static void alarms_while_working(void)
{
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    while (alarms < 200) {
        if (address != 0) CHECK(sums(address, 5));
        pid_t child = fork();
        if (child == 0) _exit(address != 0 && !sums(address, 5));
        CHECK(succeeded(child));
    }
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
}

static void stops(int stop)
{
    int status, go[2];
    char byte;
    CHECK(pipe(go) == 0);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0); /* the kernel does not stop an orphaned process group */
        close(go[1]);
        raise(stop);
        if (address != 0) CHECK(sums(address, 5));
        CHECK(read(go[0], &byte, 1) == 0);
        _exit(9);
    }
    CHECK(waitpid(child, &status, WUNTRACED) == child);
    printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    CHECK(waitpid(child, &status, WNOHANG | WUNTRACED) == 0);
    CHECK(kill(child, SIGCONT) == 0);
    CHECK(waitpid(child, &status, WCONTINUED) == child);
    printf("continued %d\n", WIFCONTINUED(status));
    close(go[0]);
    close(go[1]);
    printf("exited %d\n", WEXITSTATUS(status_of(child)));
}

/* A thread group that another process stops and continues repeatedly. */
static void *invoke(void *unused)
{
    for (int i = 0; i < 200; i++)
        if (address != 0) CHECK(sums(address, 5));
    return unused;
}

static void stops_while_invoking(void)
{
    int status;
    pthread_t threads[4];
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, invoke, NULL) == 0);
        for (int i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);
        kill(getpid(), SIGTERM);
    }
    for (;;) {
        kill(child, SIGSTOP);
        CHECK(waitpid(child, &status, WUNTRACED) == child);
        if (!WIFSTOPPED(status)) break;
        kill(child, SIGCONT);
        usleep(500);
    }
    printf("killed by %d\n", WTERMSIG(status));
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    if (trampfd_supported()) CHECK(make_slow(sum, 5, &address) >= 0);
    CHECK(signal(SIGALRM, on_alarm) != SIG_ERR);
    alarms_while_working();
    for (int stop = SIGSTOP; stop <= SIGTTOU; stop++) stops(stop);
    stops_while_invoking();
    puts("EXIT-SUCCESS");
    return 0;
}
