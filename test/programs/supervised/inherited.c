/* Fds across fork and exec: shared offsets, close-on-exec, gaps stay free. */
#define _GNU_SOURCE
#include "../check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
    if (argc > 1) {
        printf("%d %d %ld\n", fcntl(10, F_GETFD), fcntl(11, F_GETFD), (long)lseek(10, 0, SEEK_CUR));
        CHECK(write(10, "child", 5) == 5);
        return 0;
    }
    int fd = memfd_create("shared", MFD_CLOEXEC);
    printf("first free %d\n", fd);
    CHECK(dup2(fd, 10) == 10 && dup3(fd, 11, O_CLOEXEC) == 11);
    CHECK(write(fd, "parent", 6) == 6);
    fflush(stdout);
    if (fork() == 0)
        execl("/proc/self/exe", argv[0], "child", (char *)NULL);
    wait(NULL);
    printf("%ld\n", (long)lseek(fd, 0, SEEK_CUR));
    return success();
}
