/* 64 threads invoke at once, with floating-point values in registers, while threads and processes start. */
#include "../slow.h"
#include <pthread.h>

enum { THREADS = 64 };
typedef double mixer(uint64_t, double, uint64_t, float, uint64_t, double);
static uintptr_t address, mixed;
static int calls;

__attribute__((noinline)) static double mix(uint64_t a, double b, uint64_t c, float d, uint64_t e, double f)
{
    return a + b * c + d * e - f;
}

static void *invoke(void *argument)
{
    long number = (long)argument;
    for (int i = 0; i < calls; i++) {
        CHECK(sums(address, 5));
        CHECK(((mixer *)mixed)(number, i + 0.5, 3, 2.5f, 0, 0.25) == mix(number, i + 0.5, 3, 2.5f, 9, 0.25));
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS], passing;

    CHECK(argc == 2);
    calls = atoi(argv[1]);
    CHECK(make_slow(sum, 5, &address) >= 0);
    CHECK(make_slow(mix, 9, &mixed) >= 0);
    for (long i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, invoke, (void *)i) == 0);
    for (int i = 0; i < 20; i++) {
        CHECK(pthread_create(&passing, NULL, invoke, (void *)1L) == 0);
        pid_t child = fork();
        if (child == 0) _exit(!sums(address, 5));
        CHECK(succeeded(child));
        CHECK(pthread_join(passing, NULL) == 0);
    }
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    puts("EXIT-SUCCESS");
    return 0;
}
