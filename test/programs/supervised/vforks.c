/* vfork and posix_spawn: the parent is suspended until the child executes. */
#define _GNU_SOURCE
#include "../check.h"
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

int main(void)
{
    volatile int seen = 0;
    int status;
    for (volatile int round = 0; round < 20; round++) {
        pid_t child = vfork();
        if (child == 0) {
            seen++; /* the child shares the parent's memory */
            if (round % 2 == 0)
                execl("/bin/sh", "sh", "-c", "exit 3", (char *)NULL);
            _exit(4);
        }
        CHECK(waitpid(child, &status, 0) == child);
        printf("%d: exit %d\n", seen, WEXITSTATUS(status));
    }
    char *words[] = {"sh", "-c", "echo spawned; exit 9", NULL};
    pid_t child;
    fflush(stdout);
    CHECK(posix_spawn(&child, "/bin/sh", NULL, NULL, words, environ) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    printf("exit %d\n", WEXITSTATUS(status));
    CHECK(posix_spawn(&child, "/nonexistent", NULL, NULL, words, environ) == ENOENT);
    FILE *output = popen("echo one; echo two", "r");
    char line[16];
    while (fgets(line, sizeof line, output) != NULL)
        fputs(line, stdout);
    printf("pclose %d, system %d\n", pclose(output), WEXITSTATUS(system("exit 12")));
    return success();
}
