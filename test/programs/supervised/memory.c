/* Mappings, protections, file I/O at far offsets, and shared memory across fork. */
#define _GNU_SOURCE
#include "../check.h"
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>

int main(void)
{
    /* The kernel handles ordinary files at trampfd's offsets. */
    off_t far = 0x74726d7000000000;
    int fd = memfd_create("ordinary", 0);
    CHECK(fd >= 0 && ftruncate(fd, far + 8192) == 0);
    CHECK(pwrite(fd, "far out", 8, far + 1) == 8);
    char text[8];
    CHECK(pread(fd, text, 8, far + 1) == 8 && strcmp(text, "far out") == 0);
    CHECK(pread(fd, text, 8, far + 8192) == 0);
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, far);
    CHECK(map != MAP_FAILED && strcmp(map + 1, "far out") == 0);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, far + 1) == MAP_FAILED && errno == EINVAL);
    CHECK(pread(-1, text, 8, far) == -1 && errno == EBADF);
    CHECK(pread(1000, text, 8, far) == -1 && errno == EBADF);
    char *volatile nowhere = NULL;
    CHECK(pwrite(fd, nowhere, 8, far) == -1 && errno == EFAULT);
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK(pread(ends[0], text, 8, far) == -1 && errno == ESPIPE);
    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();
    if (child == 0) {
        *shared = 5;
        *own = 6;
        strcpy(map, "child");
        _exit(0);
    }
    CHECK(waitpid(child, NULL, 0) == child);
    printf("%d %d %s\n", *shared, *own, map);
    map = mremap(map, 4096, 8192, MREMAP_MAYMOVE);
    CHECK(map != MAP_FAILED && mprotect(map, 4096, PROT_NONE) == 0 && munmap(map, 8192) == 0);
    return success();
}
