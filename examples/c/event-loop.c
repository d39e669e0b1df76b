/*
 * A closure for each connection and timer of an event loop.
 *
 * The loop calls functions that take a file descriptor. Each callback gets its source of events from a trampoline, which
 * loads the second argument: one object, with an instance for each source.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <trampfd.h>

enum { CONNECTIONS = 3, SOURCES = CONNECTIONS + 1 };

/* ---- The loop, as in a library: its callbacks have no data argument ---- */

struct watch {
    int fd;
    void (*ready)(int fd);
};

static void loop(const struct watch *watches, int count, const int *running)
{
    struct pollfd polled[SOURCES];
    for (int i = 0; i < count; i++)
        polled[i] = (struct pollfd){.fd = watches[i].fd, .events = POLLIN};
    while (*running > 0 && poll(polled, (nfds_t)count, -1) > 0)
        for (int i = 0; i < count; i++)
            if (polled[i].revents != 0)
                watches[i].ready(watches[i].fd);
}

/* ---- The program ---- */

struct source {
    const char *name;
    int events;
    int *running;
};

static void ready(int fd, struct source *source)
{
    char bytes[64];
    if (read(fd, bytes, sizeof bytes) > 0 && ++source->events == 1)
        --*source->running;
}

/* Opens a connection with data to read. */
static int open_connection(void)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 || write(pair[1], "hello", 5) != 5)
        return -1;
    return pair[0];
}

/* Creates a timer that expires after a millisecond. */
static int open_timer(void)
{
    struct itimerspec soon = {.it_value = {.tv_nsec = 1000000}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    return fd < 0 || timerfd_settime(fd, 0, &soon, NULL) != 0 ? -1 : fd;
}

int main(void)
{
    const char *const names[SOURCES] = {"first", "second", "third", "timer"};
    struct source sources[SOURCES];
    struct watch watches[SOURCES];
    struct trampfd_user user = {.count = SOURCES};
    struct trampfd_map map;
    uintptr_t address;
    int running = SOURCES;

    int fd = trampfd_create(TRAMPFD_USER, &user, 0);
    if (fd < 0 || trampfd_get_map(fd, &map) != 0 || trampfd_map(fd, &address) != 0) {
        perror("trampfd");
        return 1;
    }
    for (uint32_t i = 0; i < SOURCES; i++) {
        struct trampfd_reg regs[] = {
            {.name = TRAMPFD_REG_PC, .value = (uintptr_t)ready},
            {.name = TRAMPFD_REG_ARG1, .value = (uintptr_t)&sources[i]},
        };
        sources[i] = (struct source){.name = names[i], .running = &running};
        watches[i].fd = i < CONNECTIONS ? open_connection() : open_timer();
        watches[i].ready = (void (*)(int))(address + i * map.stride);
        if (watches[i].fd < 0 || trampfd_set_regs_at(fd, i, regs, 2) != 0) {
            perror(names[i]);
            return 1;
        }
    }
    close(fd);

    loop(watches, SOURCES, &running);
    for (int i = 0; i < SOURCES; i++)
        printf("%s: %d event%s\n", sources[i].name, sources[i].events, sources[i].events == 1 ? "" : "s");
    puts("EXIT-SUCCESS");
    return 0;
}
