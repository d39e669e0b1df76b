/* Limits, umask, niceness and similar attributes apply and are inherited. */
#define _GNU_SOURCE
#include "../check.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

int main(void)
{
    struct rlimit files = {16, 32}, core = {0, 0}, size = {1000, 1000};
    CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0 && setrlimit(RLIMIT_CORE, &core) == 0);
    int fd, last = -1;
    while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        last = fd;
    printf("last descriptor %d, then %s\n", last, strerror(errno));
    CHECK(close(last) == 0 && close(last - 1) == 0 && close(last - 2) == 0);
    umask(027);
    int status;
    fflush(stdout);
    if (fork() == 0)
        execl("/bin/sh", "sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -c; umask", (char *)NULL);
    wait(&status);
    printf("exit %d\n", WEXITSTATUS(status));
    pid_t child = fork();
    if (child == 0) {
        int file = memfd_create("limited", 0);
        CHECK(setrlimit(RLIMIT_FSIZE, &size) == 0);
        char bytes[4096] = {0};
        printf("write %zd\n", write(file, bytes, sizeof bytes));
        fflush(stdout);
        write(file, bytes, sizeof bytes) < 0 ? _exit(1) : _exit(2);
    }
    CHECK(waitpid(child, &status, 0) == child);
    printf("signal %d\n", WTERMSIG(status));
    child = fork();
    if (child == 0) {
        struct rlimit time = {1, 2};
        CHECK(setrlimit(RLIMIT_CPU, &time) == 0);
        for (;;)
            ;
    }
    CHECK(waitpid(child, &status, 0) == child);
    printf("signal %d\n", WTERMSIG(status));
    return success();
}
