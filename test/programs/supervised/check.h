/* Shared by the programs of this directory: the first failed check ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <trampfd.h>

#define CHECK(what)                                                                           \
    do {                                                                                      \
        if (!(what)) {                                                                        \
            printf("%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #what, strerror(errno));   \
            exit(1);                                                                          \
        }                                                                                     \
    } while (0)

/* Checks that a call fails with an error. */
#define REFUSED(call, error) CHECK((errno = 0, (call) == -1) && errno == (error))

static inline int success(void)
{
    puts("EXIT-SUCCESS");
    return 0;
}

/* Creates a TRAMPFD_USER object with `count` instances. */
static inline int make(uint32_t flags, uint32_t count)
{
    struct trampfd_user user = {flags, count};
    int fd = trampfd_create(TRAMPFD_USER, &user, 0);
    CHECK(fd >= 0);
    return fd;
}

/* Sets the registers of an instance: `target` and one argument. */
static inline int set_target(int fd, uint32_t instance, uintptr_t target, uint64_t argument)
{
    struct trampfd_reg regs[] = {{TRAMPFD_REG_PC, 0, target}, {TRAMPFD_REG_ARG0, 0, argument}};
    return trampfd_set_regs_at(fd, instance, regs, 2);
}

static inline uintptr_t map(int fd)
{
    uintptr_t address;
    CHECK(trampfd_map(fd, &address) == 0);
    return address;
}

static inline uint64_t call(uintptr_t address)
{
    return ((uint64_t(*)(void))address)();
}

#endif
