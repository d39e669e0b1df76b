/* Which processes are traced, from when and until when. */
#include "../slow.h"
#include <pthread.h>
#include <stdatomic.h>

static atomic_int started, proceed;
static uintptr_t address;

/* Starts before there is a slow object, and invokes one later. */
static void *thread(void *unused)
{
    CHECK(tracer() == 0);
    started++;
    while (!proceed) usleep(1000);
    CHECK(tracer() > 0);
    CHECK(sums(address, 5));
    return unused;
}

static void *later(void *unused)
{
    CHECK(sums(address, 5));
    return unused;
}

static int executed(int fd)
{
    CHECK(tracer() == 0);
    CHECK(trampfd_map(fd, &address) == 0);
    CHECK(tracer() > 0);
    CHECK(set_slow(fd, sum, 5) == 0); /* its functions have other addresses now */
    CHECK(sums(address, 5));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1) return executed(atoi(argv[1]));
    struct trampfd_user fast = {0};
    struct trampfd_reg reg = {.name = TRAMPFD_REG_PC, .value = (uintptr_t)getpid};
    pthread_t threads[8];

    CHECK(tracer() == 0);
    int fd = trampfd_create(TRAMPFD_USER, &fast, 0);
    CHECK(fd >= 0 && trampfd_set_regs(fd, &reg, 1) == 0 && trampfd_map(fd, &address) == 0);
    CHECK(((pid_t(*)(void))address)() == getpid());
    CHECK(tracer() == 0);

    for (int i = 0; i < 8; i++) CHECK(pthread_create(&threads[i], NULL, thread, NULL) == 0);
    while (started < 8) usleep(1000);
    fd = make_slow(sum, 5, &address);
    CHECK(fd >= 0);
    CHECK(tracer() > 0);
    proceed = 1;
    for (int i = 0; i < 8; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(pthread_create(&threads[0], NULL, later, NULL) == 0 && pthread_join(threads[0], NULL) == 0);

    pid_t child = fork();
    if (child == 0) _exit(!sums(address, 5) || tracer() <= 0);
    CHECK(succeeded(child));
    child = vfork();
    if (child == 0) _exit(!sums(address, 5));
    CHECK(succeeded(child));
    child = fork();
    if (child == 0) {
        char number[16];
        int copy = dup(fd); /* not close-on-exec */
        snprintf(number, sizeof number, "%d", copy);
        execl("/proc/self/exe", "attach", number, NULL);
    }
    CHECK(succeeded(child));
    puts("EXIT-SUCCESS");
    return 0;
}
