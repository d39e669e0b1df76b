/* Calls under frequent signals: none is lost, executed twice, or leaks. storm CALLS restart|interrupt */
#include "../slow.h"
#include <string.h>
#include <sys/time.h>

static volatile sig_atomic_t signals;

static void on_alarm(int signal)
{
    signals += signal == SIGALRM;
}

int main(int argc, char **argv)
{
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_alarm};
    uintptr_t address = 0;

    CHECK(argc == 3);
    if (strcmp(argv[2], "restart") == 0) action.sa_flags = SA_RESTART;
    int shared = make_slow(sum, 5, &address), free_number = dup(shared);
    CHECK(shared >= 0 && close(free_number) == 0);
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
    for (int i = 0; i < atoi(argv[1]); i += 5) {
        struct trampfd_user user = {.flags = i % 2 == 0 ? TRAMPFD_SLOW : 0};
        struct trampfd_reg got[2];
        struct trampfd_map map;
        int fd = trampfd_create(TRAMPFD_USER, &user, 0);
        CHECK(fd == free_number);
        CHECK(set_slow(fd, sum, (uint64_t)i) == 0);
        CHECK(trampfd_get_regs(fd, got, 2) == 2 && got[1].value == (uint64_t)i);
        CHECK(trampfd_get_map(fd, &map) == 0 && map.size > 0);
        CHECK(set_slow(shared, sum, (uint64_t)i) == 0);
        CHECK(sums(address, (uint64_t)i));
        CHECK(close(fd) == 0);
    }
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    CHECK(signals > 0);
    puts("EXIT-SUCCESS");
    return 0;
}
