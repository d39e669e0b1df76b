/* The supervisor is killed while threads invoke and call: no thread hangs, fast objects still work. */
#include "../slow.h"
#include <pthread.h>
#include <setjmp.h>

static uintptr_t slow, fast;
static __thread sigjmp_buf back;

static void on_fault(int signal)
{
    siglongjmp(back, signal);
}

/* Invokes until a fault. */
static void *invoke(void *unused)
{
    if (sigsetjmp(back, 1) == 0)
        for (;;) CHECK(sums(slow, 5));
    CHECK(sums(fast, 6));
    return unused;
}

/* Calls until the supervisor has ended. */
static void *call(void *unused)
{
    struct trampfd_user user = {0};
    int fd;
    while ((fd = trampfd_create(TRAMPFD_USER, &user, 0)) >= 0) CHECK(close(fd) == 0);
    CHECK(errno == ENOSYS);
    return unused;
}

int main(void)
{
    pthread_t threads[16];
    struct trampfd_user user = {0};
    struct sigaction action = {.sa_handler = on_fault};

    CHECK(make_slow(sum, 5, &slow) >= 0);
    int fd = trampfd_create(TRAMPFD_USER, &user, 0);
    CHECK(fd >= 0 && set_slow(fd, sum, 6) == 0 && trampfd_map(fd, &fast) == 0);
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    for (int i = 0; i < 16; i++) CHECK(pthread_create(&threads[i], NULL, i % 2 ? invoke : call, NULL) == 0);
    usleep(5000);
    CHECK(kill(getppid(), SIGKILL) == 0);
    for (int i = 0; i < 16; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(tracer() == 0 && sums(fast, 6));
    CHECK(set_slow(fd, sum, 7) == -1 && errno == ENOSYS);
    CHECK(trampfd_map(fd, &fast) == -1 && errno == ENOSYS);
    puts("EXIT-SUCCESS");
    return 0;
}
