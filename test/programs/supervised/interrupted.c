/* Which system calls a signal interrupts, and which are restarted. */
#include "../check.h"
#include <signal.h>
#include <sys/poll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static volatile sig_atomic_t count;
static int ends[2];

static void handle(int signal)
{
    (void)signal;
    count++;
}

/* Waits until a process sleeps. Unless it waits for memory, it does so in the tested system call. */
static void until_asleep(pid_t pid)
{
    char path[32], state = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    while (state != 'S') {
        usleep(1000);
        FILE *file = fopen(path, "r");
        CHECK(file != NULL && fscanf(file, "%*d (%*[^)]) %c", &state) == 1 && fclose(file) == 0);
    }
}

/* A child that signals this process whenever it waits, and then exits or writes. */
static pid_t nag(int times, int and_write)
{
    pid_t parent = getpid(), child = fork();
    if (child != 0)
        return child;
    for (int round = 0; round < times; round++) {
        until_asleep(parent);
        kill(parent, SIGUSR1);
    }
    until_asleep(parent);
    if (and_write)
        CHECK(write(ends[1], "x", 1) == 1);
    _exit(3);
}

static void tell(const char *call, int result)
{
    printf("%s: %d %s\n", call, result, result < 0 ? strerror(errno) : "");
}

static void with(int flags)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = flags};
    char byte;
    int status;
    sigaction(SIGUSR1, &action, NULL);
    printf("flags %x\n", (unsigned)flags);
    count = 0;
    pid_t child = nag(3, 1);
    ssize_t got = read(ends[0], &byte, 1);
    if (got < 0) {
        printf("read: %s\n", strerror(errno));
        while (read(ends[0], &byte, 1) < 0)
            ;
    } else
        printf("read: %zd\n", got);
    while (waitpid(child, &status, 0) < 0)
        ;
    printf("signals %d\n", count);
    child = nag(2, 0);
    pid_t waited = waitpid(child, &status, 0);
    printf("waitpid: %s\n", waited < 0 ? strerror(errno) : "child");
    while (waited < 0)
        waited = waitpid(child, &status, 0);
    child = nag(1, 0);
    struct pollfd poll_one = {.fd = ends[0], .events = POLLIN};
    tell("poll", poll(&poll_one, 1, 30000));
    waitpid(child, &status, 0);
    child = nag(1, 0);
    struct timespec time = {30, 0}, left = {0, 0};
    tell("nanosleep", nanosleep(&time, &left));
    printf("seconds left: %d\n", left.tv_sec > 0);
    waitpid(child, &status, 0);
    child = nag(1, 0);
    tell("pause", pause());
    waitpid(child, &status, 0);
}

int main(void)
{
    CHECK(pipe(ends) == 0);
    with(0);
    with(SA_RESTART);
    return success();
}
