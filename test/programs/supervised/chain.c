/* Executes itself ten times, once from a thread that is not the main one: the process ID stays, threads end. */
#define _GNU_SOURCE
#include "../check.h"
#include <pthread.h>

static char **arguments;

static _Noreturn void again(void)
{
    char count[16], pid[16];
    snprintf(count, sizeof count, "%d", atoi(arguments[1]) + 1);
    snprintf(pid, sizeof pid, "%d", getpid());
    execl("/proc/self/exe", arguments[0], count, pid, (char *)NULL);
    abort();
}

static void *thread(void *argument)
{
    if (argument != NULL)
        again();
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    char *start[] = {argv[0], "0", NULL};
    arguments = argc == 1 ? start : argv;
    int count = atoi(arguments[1]);
    if (argc > 2)
        CHECK(atoi(argv[2]) == getpid() && gettid() == getpid());
    printf("%d\n", count);
    fflush(stdout);
    if (count == 10)
        return success();
    pthread_t threads[4];
    for (int index = 0; index < 4; index++)
        CHECK(pthread_create(&threads[index], NULL, thread, index == 3 && count % 2 == 1 ? argv : NULL) == 0);
    if (count % 2 == 1)
        thread(NULL);
    again();
}
