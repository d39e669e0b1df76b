/* The same system call by ways that a filter for one numbering would miss. Prints their results. */
#include "route.h"

int main(void)
{
#ifdef __x86_64__
    long result;
    /* memfd_create is 356 in the 32-bit table; the name must lie below 4 GiB. */
    char *name = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(356), "b"(name), "c"(0) : "memory");
    errno = -(int)result;
    tell("int 0x80", (int)result < 0 ? -1 : 0);
    tell("x32", syscall(0x40000000 + SYS_memfd_create, name, 0));
#endif
    tell("memfd_create", memfd_create("route", 0));
    tell("syscall memfd_create", syscall(SYS_memfd_create, "route", 0));
    puts("EXIT-SUCCESS");
    return 0;
}
