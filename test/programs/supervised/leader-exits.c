/* The main thread exits; another thread stops, continues and exits the process. */
#define _GNU_SOURCE
#include "../check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static void *rest(void *argument)
{
    usleep(50000);
    raise(SIGSTOP);
    return argument == NULL ? NULL : (exit(6), NULL);
}

int main(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        static pthread_t thread;
        CHECK(pthread_create(&thread, NULL, rest, &status) == 0);
        pthread_exit(NULL);
    }
    CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    CHECK(kill(child, SIGCONT) == 0);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    printf("exit %d\n", WEXITSTATUS(status));
    return success();
}
