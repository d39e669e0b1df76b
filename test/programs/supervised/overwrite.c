/*
 * All ways in which a program may try to write the code of its fast objects. The code is unchanged afterwards in every
 * mapping, and a regular update still works.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "check.h"

enum { page = 4096 };

static struct trampfd_map place;
static unsigned char *code, before[page];
static const char bytes[16] = "written by force";

static uint64_t same(uint64_t value)
{
    return value;
}

static void unchanged(const char *attack)
{
    if (memcmp(code, before, page) == 0)
        return;
    printf("%s has changed the code\n", attack);
    exit(1);
}

#define TRY(what)           \
    do {                    \
        (void)!(what);      \
        unchanged(#what);   \
    } while (0)
#define FAILS(what)              \
    do {                         \
        CHECK((long)(what) < 0); \
        unchanged(#what);        \
    } while (0)

static void in_place(void)
{
    FAILS(mprotect(code, page, PROT_READ | PROT_WRITE));
    FAILS(mprotect(code, place.size, PROT_READ | PROT_WRITE | PROT_EXEC));
    struct iovec from = {(void *)bytes, 16}, to = {code, 16};
    FAILS(process_vm_writev(getpid(), &from, 1, &to, 1, 0));
    int mem = open("/proc/self/mem", O_RDWR);
    CHECK(mem >= 0);
    FAILS(pwrite(mem, bytes, 16, (off_t)(uintptr_t)code));
    FAILS(madvise(code, place.size, MADV_REMOVE));
    /* These drop pages, which come back from the file. */
    TRY(madvise(code, place.size, MADV_DONTNEED));
    TRY(madvise(code, place.size, MADV_FREE));
    /* Another address, with the same protection. */
    unsigned char *moved = mremap(code, 0, place.size, MREMAP_MAYMOVE);
    if (moved != MAP_FAILED) {
        FAILS(mprotect(moved, page, PROT_READ | PROT_WRITE));
        CHECK(munmap(moved, place.size) == 0);
    }
    close(mem);
}

static void through(int fd)
{
    const off_t at = TRAMPFD_OFFSET_BASE;
    const size_t size = place.size;
    FAILS(write(fd, bytes, 16));
    FAILS(pwrite(fd, bytes, 16, 0));
    /* A call that the supervisor does not handle, at the address of the code. */
    const struct iovec vector = {(void *)bytes, 16};
    FAILS(pwritev(fd, &vector, 1, at));
    FAILS(pwritev2(fd, &vector, 1, at, 0));
    CHECK(lseek(fd, at, SEEK_SET) == at);
    FAILS(write(fd, bytes, 16));
    FAILS(ftruncate(fd, 0));
    FAILS(ftruncate(fd, at));
    FAILS(ftruncate(fd, at + 2 * (off_t)size));
    FAILS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, page));
    FAILS(fallocate(fd, FALLOC_FL_ZERO_RANGE, at, page));
    FAILS(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, at, page));
    TRY(fallocate(fd, 0, at, page));
    FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    FAILS(fcntl(fd, F_ADD_SEALS, 0));
    int zero = open("/dev/zero", O_RDONLY), ends[2];
    loff_t to = at;
    FAILS(sendfile(fd, zero, NULL, page));
    CHECK(pipe(ends) == 0 && write(ends[1], bytes, 16) == 16);
    FAILS(splice(ends[0], NULL, fd, &to, 16, 0));
    loff_t start = 0;
    FAILS(copy_file_range(open("/proc/self/exe", O_RDONLY), &start, fd, &to, page, 0));
    /* A private copy belongs to the program and changes no other mapping. Its page offset is not the map's. */
    unsigned char *copy = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (copy != MAP_FAILED) {
        memcpy(copy, bytes, 16);
        CHECK(munmap(copy, page) == 0);
    }
    FAILS(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at));
    FAILS(mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, fd, at));
    FAILS(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    unsigned char *view = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
    if (view != MAP_FAILED) {
        FAILS(mprotect(view, page, PROT_READ | PROT_WRITE));
        /* Grows into the code, without a call that the supervisor handles. */
        unsigned char *grown = mremap(view, page, 2 * page, MREMAP_MAYMOVE);
        CHECK(grown == MAP_FAILED || mprotect(grown, 2 * page, PROT_READ | PROT_WRITE) != 0);
    }
    close(zero);
    close(ends[0]);
    close(ends[1]);
}

/* By a process that traces this one. */
static void by_debugger(void)
{
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    CHECK(ptrace(PTRACE_ATTACH, child, 0, 0) == 0 && waitpid(child, NULL, 0) == child);
    FAILS(ptrace(PTRACE_POKETEXT, child, code, 0x1234));
    FAILS(ptrace(PTRACE_POKEDATA, child, code + 8, 0x1234));
    char name[32];
    snprintf(name, sizeof name, "/proc/%d/mem", child);
    int mem = open(name, O_RDWR);
    FAILS(pwrite(mem, bytes, 16, (off_t)(uintptr_t)code));
    struct iovec from = {(void *)bytes, 16}, to = {code, 16};
    FAILS(process_vm_writev(child, &from, 1, &to, 1, 0));
    ptrace(PTRACE_KILL, child, 0, 0);
    kill(child, 9);
    CHECK(waitpid(child, NULL, 0) == child);
}

/* userfaultfd may fill holes of a file. */
static void by_pager(void)
{
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    struct uffdio_api api = {.api = UFFD_API};
    if (fd < 0 || ioctl(fd, UFFDIO_API, &api) != 0)
        return;
    struct uffdio_register range = {.range = {(uintptr_t)code, place.size}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    FAILS(ioctl(fd, UFFDIO_REGISTER, &range));
    range.mode = UFFDIO_REGISTER_MODE_WP;
    TRY(ioctl(fd, UFFDIO_REGISTER, &range));
    close(fd);
}

int main(void)
{
    int fd = make(0, 4);
    CHECK(trampfd_get_map(fd, &place) == 0);
    CHECK(set_target(fd, 0, (uintptr_t)same, 1) == 0);
    code = (unsigned char *)map(fd);
    memcpy(before, code, page);
    in_place();
    through(fd);
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    TRY(fchmod(fd, 0777));
    int again = open(name, O_RDWR);
    CHECK(again >= 0); /* the user owns the file; the seals apply */
    through(again);
    FAILS(truncate(name, 0));
    FAILS(open(name, O_RDWR | O_TRUNC));
    snprintf(name, sizeof name, "/proc/self/map_files/%lx-%lx", (long)code, (long)code + (long)place.size);
    int file = open(name, O_RDWR);
    if (file >= 0)
        through(file);
    by_debugger();
    by_pager();
    CHECK(call((uintptr_t)code) == 1 && call(map(fd)) == 1);
    CHECK(set_target(fd, 0, (uintptr_t)same, 2) == 0 && call((uintptr_t)code) == 2);
    return success();
}
