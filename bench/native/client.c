/*
 * Program that runs under a supervisor. It reads lines with an action, a count, and the second and third argument of
 * calls. It replies to each with a line: the sum of the results, and the nanoseconds.
 */
#define _GNU_SOURCE
#include <stdio.h>

#include "../../include/trampfd.h"
#include "run.h"

uint64_t target(uint64_t first, uint64_t second, uint64_t third);

static uint64_t check(int64_t result, const char *what)
{
    if (result >= 0)
        return (uint64_t)result;
    perror(what);
    exit(1);
}

static int make(uint32_t flags)
{
    struct trampfd_user user = {.flags = flags, .count = 1};
    return (int)check(trampfd_create(TRAMPFD_USER, &user, 0), "trampfd_create");
}

static void set(int fd, uint64_t third)
{
    struct trampfd_reg regs[] = {
        {.name = TRAMPFD_REG_PC, .value = (uintptr_t)target},
        {.name = TRAMPFD_REG_ARG2, .value = third},
    };
    check(trampfd_set_regs(fd, regs, 2), "trampfd_set_regs");
}

static function *map(int fd)
{
    uintptr_t address;
    check(trampfd_map(fd, &address), "trampfd_map");
    return (function *)address;
}

static uint64_t map_and_call(int fd, uint64_t first, uint64_t second)
{
    function *call = map(fd);
    uint64_t result = call(first, second, 0);
    check(trampfd_unmap(fd, (uintptr_t)call), "trampfd_unmap");
    return result;
}

/* The last trampoline is called. */
static void create(struct run *run)
{
    uint64_t start = now();
    for (uint64_t i = 0; i < run->count; i++)
        close(make(0));
    run->nanoseconds = now() - start;
    int fd = make(0);
    set(fd, run->third);
    run->sum = map_and_call(fd, 0, run->second);
    close(fd);
}

/* The whole life of a trampoline, with one call. */
static void live(struct run *run)
{
    uint64_t start = now();
    for (uint64_t i = 0; i < run->count; i++) {
        int fd = make(0);
        set(fd, run->third);
        run->sum += map_and_call(fd, i, run->second);
        close(fd);
    }
    run->nanoseconds = now() - start;
}

/* Each value is used in a call. */
static void change(struct run *run)
{
    int fd = make(0);
    function *call = map(fd);
    uint64_t start = now();
    for (uint64_t i = 0; i < run->count; i++) {
        set(fd, i + run->third);
        run->sum += call(0, run->second, 0);
    }
    run->nanoseconds = now() - start;
    check(trampfd_unmap(fd, (uintptr_t)call), "trampfd_unmap");
    close(fd);
}

static void map_and_unmap(struct run *run)
{
    int fd = make(0);
    set(fd, run->third);
    uint64_t start = now();
    for (uint64_t i = 0; i < run->count; i++)
        run->sum += map_and_call(fd, i, run->second);
    run->nanoseconds = now() - start;
    close(fd);
}

static void slow(struct run *run)
{
    int fd = make(TRAMPFD_SLOW);
    set(fd, run->third);
    struct run loop = {.call = map(fd), .second = run->second, .count = run->count};
    call_loop(&loop);
    run->sum = loop.sum;
    run->nanoseconds = loop.nanoseconds;
    check(trampfd_unmap(fd, (uintptr_t)loop.call), "trampfd_unmap");
    close(fd);
}

/* Runs the shell command in the next line: a program that never calls trampfd_create. */
static void other_program(struct run *run)
{
    char command[4096];
    if (fgets(command, sizeof command, stdin) == NULL)
        exit(1);
    uint64_t start = now();
    for (uint64_t i = 0; i < run->count; i++)
        run->sum += system(command) == 0;
    run->nanoseconds = now() - start;
}

static const struct {
    const char *name;
    void (*act)(struct run *run);
} actions[] = {
    {"create", create}, {"live", live}, {"set", change}, {"map", map_and_unmap},
    {"slow", slow},     {"other", other_program},
};

static void act(const char *name, struct run *run)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(actions[i].name, name) == 0)
            actions[i].act(run);
}

int main(void)
{
    char name[16];
    for (struct run run = {0}; scanf("%15s %lu %lu %lu%*c", name, &run.count, &run.second, &run.third) == 4;) {
        run.sum = 0;
        act(name, &run);
        printf("%lu %lu\n", run.sum, run.nanoseconds);
        fflush(stdout);
    }
    return 0;
}
