/*
 * Allowed PCs: a trampoline that can call two functions only.
 *
 * An attacker who makes this program write to the object, for example through a bug in its parser, can still choose
 * between the two. Any other target is refused, and the previous one remains.
 */
#include <stdio.h>
#include <string.h>
#include <trampfd.h>

static void greet(const char *name) { printf("Good morning, %s.\n", name); }
static void dismiss(const char *name) { printf("Good night, %s.\n", name); }
static void steal(const char *name) { printf("Thank you for your purse, %s.\n", name); }

/* Sets the function that the trampoline calls, and prints the result. */
static void set_target(int fd, void (*function)(const char *), const char *what)
{
    struct trampfd_reg regs[] = {
        {.name = TRAMPFD_REG_PC, .value = (uintptr_t)function},
        {.name = TRAMPFD_REG_ARG0, .value = (uintptr_t)"Ada"},
    };
    int refused = trampfd_set_regs(fd, regs, 2);
    printf("call %s: %s\n", what, refused ? strerror(errno) : "done");
}

int main(void)
{
    uint64_t pcs[] = {(uintptr_t)greet, (uintptr_t)dismiss};
    struct trampfd_user user = {.count = 1};
    uintptr_t address;

    int fd = trampfd_create(TRAMPFD_USER, &user, 0);
    if (fd < 0 || trampfd_set_allowed_pcs(fd, pcs, 2) != 0 || trampfd_map(fd, &address) != 0) {
        perror("trampfd");
        return 1;
    }
    void (*call)(void) = (void (*)(void))address;

    set_target(fd, greet, "greet");
    call();
    set_target(fd, steal, "steal");
    call();
    set_target(fd, dismiss, "dismiss");
    call();
    puts("EXIT-SUCCESS");
    return 0;
}
