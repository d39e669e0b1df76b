/* Ways to bring code through memory. */
#include "route.h"
#include <sys/personality.h>
#include <sys/shm.h>

static void *memory(int prot, int flags)
{
    return mmap(NULL, page, prot, flags, -1, 0);
}

/* Writes code and makes it executable then. */
static void *gain(void *p)
{
    if (p == MAP_FAILED || p == (void *)-1)
        return MAP_FAILED;
    memcpy(p, answer, sizeof answer);
    return mprotect(p, page, PROT_READ | PROT_EXEC) == 0 ? p : MAP_FAILED;
}

/* Executable memory, written through another mapping of the same. */
static void *twice(void *p)
{
    if (p == MAP_FAILED || p == (void *)-1)
        return MAP_FAILED;
    void *q = mremap(p, 0, page, MREMAP_MAYMOVE);
    if (q == MAP_FAILED || mprotect(q, page, PROT_READ | PROT_WRITE) != 0)
        return MAP_FAILED;
    memcpy(q, answer, sizeof answer);
    return p;
}

static void *wx(void *p)
{
    return p == MAP_FAILED ? p : memcpy(p, answer, sizeof answer);
}

static void *from_file(int fd, int flags)
{
    if (fd < 0 || ftruncate(fd, page) != 0 || pwrite(fd, answer, sizeof answer, 0) < 0)
        return MAP_FAILED;
    return mmap(NULL, page, PROT_READ | PROT_EXEC, flags, fd, 0);
}

/* Rewrites this program's own text. */
static long through_proc(void)
{
    int fd = open("/proc/self/mem", O_RDWR);
    return fd < 0 ? -1 : pwrite(fd, gain, 8, (off_t)(size_t)gain);
}

static long implied(void)
{
    int before = personality(0xffffffff);
    if (personality(before | READ_IMPLIES_EXEC) == -1)
        return -1;
    long result = run(wx(memory(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)));
    personality(before);
    return result;
}

int main(void)
{
    int rw = PROT_READ | PROT_WRITE, rx = PROT_READ | PROT_EXEC;
    int private = MAP_PRIVATE | MAP_ANONYMOUS, shared = MAP_SHARED | MAP_ANONYMOUS;
    int segment = shmget(IPC_PRIVATE, page, 0700), zero = open("/dev/zero", O_RDWR);
    tell("mmap W+X", run(wx(memory(rw | rx, private))));
    tell("mprotect", run(gain(memory(rw, private))));
    tell("mprotect W+X", mprotect(memory(rw, private), page, rw | rx));
    tell("shared twice", run(twice(memory(rx, shared))));
    tell("shared /dev/zero twice", run(twice(mmap(NULL, page, rx, MAP_SHARED, zero, 0))));
    tell("shmat SHM_EXEC", run(wx(shmat(segment, NULL, SHM_EXEC))));
    tell("shmat SHM_EXEC twice", run(twice(shmat(segment, NULL, SHM_EXEC | SHM_RDONLY))));
    tell("shmat, mprotect", run(gain(shmat(segment, NULL, 0))));
    shmctl(segment, IPC_RMID, NULL);
    tell("personality", implied());
    tell("memfd_create", run(from_file(memfd_create("route", 0), MAP_SHARED)));
    tell("memfd_create, private", run(from_file(syscall(SYS_memfd_create, "route", 0), MAP_PRIVATE)));
    tell("memfd_create, huge", memfd_create("route", MFD_HUGETLB));
#ifdef SYS_memfd_secret
    tell("memfd_secret", syscall(SYS_memfd_secret, 0));
#endif
    tell("/proc/self/mem", through_proc());
    puts("EXIT-SUCCESS");
    return 0;
}
