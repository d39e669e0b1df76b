/*
 * The buffer overflow of overflow-libffi.c does not reach the trampoline.
 *
 * The trampoline's function and argument are in the supervisor and in code that this process cannot make writable.
 *
 * Limitation: an overflow that replaces the function pointer itself still chooses the called function.
 */
#include <trampfd.h>

struct callback {
    int fd;
};

#include "overflow.h"

static int handle(int door, intptr_t level) { return door <= level; }

static struct session *make_session(intptr_t level, opens **callback)
{
    struct session *session = malloc(sizeof *session);
    struct trampfd_user user = {.count = 1};
    struct trampfd_reg regs[] = {
        {.name = TRAMPFD_REG_PC, .value = (uintptr_t)handle},
        {.name = TRAMPFD_REG_ARG1, .value = (uint64_t)level},
    };
    uintptr_t address;
    int fd = trampfd_create(TRAMPFD_USER, &user, 0);
    if (session == NULL || fd < 0 || trampfd_set_regs(fd, regs, 2) != 0 || trampfd_map(fd, &address) != 0) {
        perror("trampfd");
        exit(1);
    }
    session->callback.fd = fd;
    *callback = (opens *)address;
    return session;
}

static int open_all(void) { return 1; }

/* Fills the session with the address of the attacker's function. */
static struct session forge_session(const struct session *victim)
{
    struct session forged = *victim;
    uintptr_t function = (uintptr_t)open_all;
    for (size_t at = 0; at + sizeof function <= sizeof forged; at += sizeof function)
        memcpy((char *)&forged + at, &function, sizeof function);
    return forged;
}

int main(void)
{
    if (attack())
        return 1;
    puts("The overflow reached no trampoline.");
    puts("EXIT-SUCCESS");
    return 0;
}
