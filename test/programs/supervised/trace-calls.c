/* A few calls, right and wrong, for those who read a trace; the argument is a file. */
#include "check.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
    struct trampfd_user user = {0};
    struct rlimit none = {0, 0};
    char byte;
    int status, file = open(argv[argc - 1], O_RDONLY);
    CHECK(file >= 0 && pread(file, &byte, 1, 1) == 1);
    int fd = make(0, 2);
    CHECK(lead(fd, 1, (uintptr_t)main, 5) == 0);
    REFUSED(lead(fd, 0, 0, 5), EINVAL);
    map(fd);
    REFUSED(trampfd_get_regs(file, NULL, 0), EINVAL);
    CHECK(pread(fd, &byte, 1, 1) == 1);
    if (fork() == 0) _exit((int)call(map(make(TRAMPFD_SLOW, 1))));
    CHECK(wait(&status) > 0 && WTERMSIG(status) == SIGSEGV);
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    REFUSED(trampfd_create(TRAMPFD_USER, &user, 0), EMFILE);
    return success();
}
