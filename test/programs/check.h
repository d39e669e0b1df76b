/* For programs that must do the same with and without a supervisor. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Ends the program, and says where, unless a condition holds. */
#define CHECK(condition)                                                                        \
    do {                                                                                        \
        if (!(condition)) {                                                                     \
            fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);    \
            _exit(1);                                                                           \
        }                                                                                       \
    } while (0)

/* To be returned by main. */
static inline int success(void)
{
    puts("EXIT-SUCCESS");
    return fflush(stdout);
}
