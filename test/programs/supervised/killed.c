/* Kills children at random moments, for each input line "rounds seed"; prints a line when done. */
#include "../slow.h"
#include <pthread.h>

static uintptr_t ours;

/* Everything that a process may be doing when it is killed. */
static void *work(void *unused)
{
    struct trampfd_user fast = {.count = 3};
    for (unsigned i = 0;; i++) {
        uintptr_t address = 0, quick = 0;
        int slow = make_slow(sum, i, &address), fd = trampfd_create(TRAMPFD_USER, &fast, 0);
        if (slow >= 0 && fd >= 0 && set_slow(fd, sum, i) == 0 && trampfd_map(fd, &quick) == 0) {
            for (int call = 0; call < 20; call++) CHECK(sums(address, i) && sums(quick, i) && sums(ours, 5));
            pid_t child = i % 4 == 0 ? fork() : -1;
            if (child == 0) _exit(!sums(address, i) || set_slow(slow, sum, i + 1) != 0 || !sums(address, i + 1));
            if (child > 0) CHECK(succeeded(child));
            CHECK(trampfd_unmap(slow, address) == 0 && trampfd_unmap(fd, quick) == 0);
        }
        close(slow);
        close(fd);
    }
    return unused;
}

static void round_of(unsigned *seed)
{
    pthread_t thread;
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 3; i++) pthread_create(&thread, NULL, work, NULL);
        work(NULL);
    }
    CHECK(child > 0);
    usleep((useconds_t)(rand_r(seed) % 20000));
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(WTERMSIG(status_of(child)) == SIGKILL);
    CHECK(sums(ours, 5));
}

int main(void)
{
    unsigned rounds, seed;
    setvbuf(stdout, NULL, _IONBF, 0);
    CHECK(make_slow(sum, 5, &ours) >= 0);
    while (scanf("%u %u", &rounds, &seed) == 2) {
        while (rounds-- > 0) round_of(&seed);
        puts("done");
    }
    puts("EXIT-SUCCESS");
    return 0;
}
