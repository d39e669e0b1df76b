/* Daemonizes: the grandchild outlives its parents, and reports that through a pipe. */
#include "../check.h"
#include <sys/stat.h>
#include <sys/wait.h>

int main(void)
{
    int ends[2], status;
    char text[32] = "";
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(setsid() > 0);
        if (fork() != 0)
            _exit(0);
        CHECK(chdir("/") == 0);
        usleep(50000);
        CHECK(write(ends[1], getsid(0) != getpid() ? "daemon" : "leader", 6) == 6);
        _exit(0);
    }
    close(ends[1]);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(read(ends[0], text, 6) == 6 && read(ends[0], text + 6, 1) == 0);
    puts(text);
    CHECK(wait(NULL) == -1 && errno == ECHILD);
    return success();
}
