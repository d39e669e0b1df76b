/* Threads start and exit while the supervisor attaches; the main thread has already exited. */
#include "../slow.h"
#include <pthread.h>
#include <stdatomic.h>

static atomic_int done;
static pthread_t first;

static void *nothing(void *unused)
{
    return unused;
}

/* Starts threads forever. */
static void *start(void *unused)
{
    pthread_t thread;
    while (!done) {
        if (pthread_create(&thread, NULL, nothing, NULL) == 0) pthread_join(thread, NULL);
    }
    return unused;
}

static void *work(void *unused)
{
    pthread_t threads[4];
    uintptr_t address;

    CHECK(pthread_join(first, NULL) == 0);
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, start, NULL) == 0);
    usleep(5000);
    CHECK(make_slow(sum, 5, &address) >= 0);
    CHECK(tracer() > 0);
    CHECK(sums(address, 5));
    done = 1;
    for (int i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    puts("EXIT-SUCCESS");
    exit(0);
    return unused;
}

int main(void)
{
    pthread_t worker;
    first = pthread_self();
    CHECK(pthread_create(&worker, NULL, work, NULL) == 0);
    pthread_exit(NULL);
}
