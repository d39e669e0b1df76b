/*
 * Two threads change one object while two invoke it: `race changes-registers invocations`. An invocation uses one
 * whole context, also if the update sets other registers.
 */
#include <pthread.h>
#include <stdatomic.h>
#include "check.h"

static int fd, changes_registers;
static uintptr_t address;
static atomic_long left, mixed, written;

/* Registers that a context does not set have the caller's value: 0. */
static uint64_t two(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return a != b || c != 0 || d != 0 || a % 2 != 0;
}

static uint64_t four(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return a != b || b != c || c != d || a % 2 != 1;
}

static void *change(void *seed)
{
    for (uint64_t n = (uint64_t)seed; atomic_load(&left) > 0; n += 4) {
        const int all = changes_registers && n % 8 >= 4;
        const uint64_t value = n * 2 + (all ? 1 : 0);
        struct trampfd_reg regs[] = {
            {TRAMPFD_REG_PC, 0, all ? (uintptr_t)four : (uintptr_t)two},
            {TRAMPFD_REG_ARG0, 0, value}, {TRAMPFD_REG_ARG1, 0, value},
            {TRAMPFD_REG_ARG2, 0, value}, {TRAMPFD_REG_ARG3, 0, value},
        };
        CHECK(trampfd_set_regs(fd, regs, all ? 5 : 3) == 0);
        atomic_fetch_add(&written, 1);
    }
    return NULL;
}

static void *invoke(void *unused)
{
    uint64_t (*const trampoline)(uint64_t, uint64_t, uint64_t, uint64_t) = (void *)address;
    (void)unused;
    while (atomic_fetch_sub(&left, 1000) > 0)
        for (int i = 0; i < 1000; i++)
            if (trampoline(0, 0, 0, 0) != 0)
                atomic_fetch_add(&mixed, 1);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[4];
    CHECK(argc == 4);
    changes_registers = atoi(argv[1]);
    fd = make((uint32_t)atoi(argv[3]), 1);
    address = map(fd);
    struct trampfd_reg first[] = {{TRAMPFD_REG_PC, 0, (uintptr_t)two}};
    CHECK(trampfd_set_regs(fd, first, 1) == 0);
    atomic_store(&left, atol(argv[2]));
    for (uint64_t i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, i < 2 ? change : invoke, (void *)i) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    printf("%ld mixed, some changes: %s\n", atomic_load(&mixed), atomic_load(&written) > 10 ? "yes" : "no");
    return success();
}
