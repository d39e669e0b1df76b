/* A hundred processes at once, each with its own objects and one shared object. */
#include <sys/wait.h>
#include "check.h"

enum { processes = 100, rounds = 20 };

static uint64_t same(uint64_t value)
{
    return value;
}

static int one(uint64_t number, uintptr_t shared)
{
    for (uint64_t round = 0; round < rounds; round++) {
        int fd = make(number % 4 == 0 ? TRAMPFD_SLOW : 0, 1);
        uintptr_t own = map(fd);
        CHECK(set_target(fd, 0, (uintptr_t)same, number * 1000 + round) == 0);
        CHECK(call(own) == number * 1000 + round);
        CHECK(call(shared) == 77);
        CHECK(trampfd_unmap(fd, own) == 0 && close(fd) == 0);
    }
    return 0;
}

int main(void)
{
    int fd = make(0, 1), status;
    uintptr_t shared = map(fd);
    CHECK(set_target(fd, 0, (uintptr_t)same, 77) == 0);
    for (uint64_t number = 0; number < processes; number++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            exit(one(number, shared));
    }
    for (int ended = 0; ended < processes; ended++)
        CHECK(wait(&status) > 0 && status == 0);
    return success();
}
