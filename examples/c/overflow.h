/*
 * The common part of overflow-libffi.c and overflow-trampfd.c: a server with a bug.
 *
 * Each guest has a session with the data of the guest's callback, which returns whether a door opens, and the name that
 * the guest sent. The name is copied without a check of its length.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int opens(int door);

/* Each program defines the data of a callback, and how it is created and forged. */
struct session {
    struct callback callback;
    char name[32];
};

/* Creates a session with a callback that opens the doors up to `level`. */
static struct session *make_session(intptr_t level, opens **callback);
/* Returns the bytes that an attacker writes over another guest's session. */
static struct session forge_session(const struct session *victim);

/* Opens every door: the function that the attacker wants to be called, with any arguments. */
static int open_all(void);

static void receive_name(struct session *session, const void *bytes, size_t length)
{
    memcpy(session->name, bytes, length); /* the bug */
}

/* Returns whether the attack opened a door that was closed. */
static int attack(void)
{
    opens *first_guest, *second_guest;
    struct session *first = make_session(1, &first_guest);
    struct session *second = make_session(1, &second_guest);
    if ((uintptr_t)second <= (uintptr_t)first) {
        fputs("The second session does not follow the first.\n", stderr);
        exit(1);
    }

    size_t distance = (uintptr_t)second - (uintptr_t)first->name;
    char *name = calloc(1, distance + sizeof *second);
    struct session forged = forge_session(second);
    memcpy(name + distance, &forged, sizeof forged);

    printf("the second guest at door 7: %s\n", second_guest(7) ? "open" : "closed");
    receive_name(first, name, distance + sizeof forged);
    printf("the first guest sent a name too long for %zu bytes\n", sizeof first->name);
    int open = second_guest(7);
    printf("the second guest at door 7: %s\n", open ? "OPEN" : "closed");
    return open;
}
