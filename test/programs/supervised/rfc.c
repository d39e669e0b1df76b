/* The interface of the first proposal: call 440, offsets 0 to 3, an object that is mapped at offset 0. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRAMPFD_USER, MAP_OFFSET = 0, REGS_OFFSET, STACK_OFFSET, PCS_OFFSET, RDI = 13, RIP = 23 };

struct user { uint32_t flags, reserved; };
struct map { uint32_t size, prot, flags, offset, ioffset, reserved; };
struct reg { uint32_t name, reserved; uint64_t value; };
struct regs { uint32_t nregs, reserved; struct reg regs[2]; };
struct values { uint32_t nvalues, reserved; uint64_t values[1]; };

#define CHECK(what)                                                          \
    do {                                                                     \
        if (!(what)) {                                                       \
            printf("%d: not so: %s (%s)\n", __LINE__, #what, strerror(errno)); \
            exit(1);                                                         \
        }                                                                    \
    } while (0)

static int twice(int value)
{
    return 2 * value;
}

int main(void)
{
    struct user user = {0, 0};
    int fd = (int)syscall(440, TRAMPFD_USER, &user, 0);
    CHECK(fd >= 0);
    struct map map;
    CHECK(pread(fd, &map, sizeof map, MAP_OFFSET) == sizeof map && map.offset == 0 && map.reserved == 0);
    char *base = mmap(NULL, map.size, (int)map.prot, (int)map.flags, fd, map.offset);
    CHECK(base != MAP_FAILED);
    struct values allowed = {1, 0, {(uintptr_t)twice}};
    CHECK(pwrite(fd, &allowed, sizeof allowed, PCS_OFFSET) == sizeof allowed);
    struct regs regs = {2, 0, {{RIP, 0, (uintptr_t)twice}, {RDI, 0, 21}}};
    CHECK(pwrite(fd, &regs, sizeof regs, REGS_OFFSET) == sizeof regs);
    CHECK(((int (*)(void))(base + map.ioffset))() == 42);
    regs.regs[0].value++;
    CHECK(pwrite(fd, &regs, sizeof regs, REGS_OFFSET) == -1 && errno == EINVAL);
    struct regs back;
    CHECK(pread(fd, &back, sizeof back, REGS_OFFSET) == sizeof back && back.regs[0].value == (uintptr_t)twice);

    /* The kernel's own call of that number, and files at these offsets, work as before. */
    CHECK(syscall(440, -1, &user, 1, 0, 0) == -1 && errno != ENOSYS && errno != EINVAL);
    FILE *file = tmpfile();
    CHECK(file != NULL && pwrite(fileno(file), "abcd", 4, 0) == 4);
    char text[4];
    CHECK(pread(fileno(file), text, 3, 1) == 3 && memcmp(text, "bcd", 3) == 0);
    CHECK(pwrite(fileno(file), "x", 1, 3) == 1 && pread(fileno(file), text, 1, 3) == 1 && text[0] == 'x');
    puts("EXIT-SUCCESS");
    return 0;
}
