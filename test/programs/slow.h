/* Shared by programs with slow objects. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <trampfd.h>

/* Ends the program if a condition is false. */
#define CHECK(condition)                                                                      \
    do {                                                                                      \
        if (!(condition)) {                                                                   \
            printf("%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);          \
            fflush(stdout);                                                                   \
            _exit(1);                                                                         \
        }                                                                                     \
    } while (0)

/* Sets the registers of an object: a function, and a value as its third argument. */
static inline int set_slow(int fd, void *function, uint64_t value)
{
    struct trampfd_reg regs[] = {
        {.name = TRAMPFD_REG_PC, .value = (uintptr_t)function},
        {.name = TRAMPFD_REG_ARG2, .value = value},
    };
    return trampfd_set_regs(fd, regs, 2);
}

/* Creates such a slow object and maps it. */
static inline int make_slow(void *function, uint64_t value, uintptr_t *address)
{
    struct trampfd_user user = {.flags = TRAMPFD_SLOW};
    int fd = trampfd_create(TRAMPFD_USER, &user, 0);
    if (fd >= 0 && (set_slow(fd, function, value) != 0 || trampfd_map(fd, address) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A target whose result depends on all arguments. */
__attribute__((noinline, unused)) static uint64_t sum(uint64_t first, uint64_t second, uint64_t third)
{
    return first + 3 * second + 5 * third;
}

/* Returns whether calls through an object reach `sum` with its value. */
static inline int sums(uintptr_t address, uint64_t value)
{
    uint64_t (*call)(uint64_t, uint64_t) = (uint64_t(*)(uint64_t, uint64_t))address;
    return call(7, 11) == sum(7, 11, value);
}

/* Returns the thread ID of this thread's tracer; 0 if there is none. */
static inline int tracer(void)
{
    char line[256];
    int number = -1;
    FILE *file = fopen("/proc/thread-self/status", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "TracerPid: %d", &number) == 1) break;
    if (file != NULL) fclose(file);
    return number;
}

/* Returns the wait status of a child. */
static inline int status_of(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0) CHECK(errno == EINTR);
    return status;
}

/* Returns whether a child exits with 0. */
static inline int succeeded(pid_t child)
{
    return status_of(child) == 0;
}
