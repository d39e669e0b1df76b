/* Ways for a program to get something: each tries, and tells "name: ok" or "name: errno". */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const size_t page = 65536;

static inline void tell(const char *name, long result)
{
    if (result == -1)
        printf("%s: %d\n", name, errno);
    else
        printf("%s: ok\n", name);
    fflush(stdout);
}

/* Machine code of a function that returns 42. */
#ifdef __x86_64__
static const unsigned char answer[] = {0xb8, 42, 0, 0, 0, 0xc3};
#else
static const unsigned char answer[] = {0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6};
#endif

/* Success is code that runs. */
static inline long run(void *code)
{
    if (code == MAP_FAILED)
        return -1;
    __builtin___clear_cache(code, (char *)code + sizeof answer);
    if (((int (*)(void))code)() != 42)
        abort();
    return 0;
}
