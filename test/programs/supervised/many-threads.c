/* 64 threads at once, with signals to single ones, a lock, and one that is cancelled. */
#define _GNU_SOURCE
#include "../check.h"
#include <pthread.h>
#include <signal.h>

enum { many = 64 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static int sum;
static _Thread_local volatile int signals;

static void handle(int signal)
{
    (void)signal;
    signals++;
}

static void *work(void *argument)
{
    pthread_barrier_wait(&barrier);
    for (int round = 0; round < 1000; round++) {
        pthread_mutex_lock(&lock);
        sum++;
        pthread_mutex_unlock(&lock);
    }
    for (int round = 0; round < 10; round++)
        pthread_kill(pthread_self(), SIGUSR1);
    CHECK(signals == 10);
    return argument;
}

static void *wait_for_ever(void *argument)
{
    for (;;)
        pause();
    return argument;
}

int main(void)
{
    pthread_t threads[many], idle;
    void *result;
    signal(SIGUSR1, handle);
    pthread_barrier_init(&barrier, NULL, many);
    for (long index = 0; index < many; index++)
        CHECK(pthread_create(&threads[index], NULL, work, (void *)index) == 0);
    for (long index = 0; index < many; index++) {
        CHECK(pthread_join(threads[index], &result) == 0);
        CHECK(result == (void *)index);
    }
    printf("%d\n", sum);
    CHECK(pthread_create(&idle, NULL, wait_for_ever, NULL) == 0);
    CHECK(pthread_cancel(idle) == 0 && pthread_join(idle, &result) == 0 && result == PTHREAD_CANCELED);
    return success();
}
