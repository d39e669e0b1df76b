/* Twenty children at once, three generations deep; waits for all. */
#include "../check.h"
#include <sys/wait.h>

static int family(int generation)
{
    int born = 0, lost = 0, status;
    for (int child = 0; child < (generation == 0 ? 20 : 2); child++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(generation == 2 ? 1 : 1 + family(generation + 1));
        born += pid > 0;
    }
    for (int left = born; left > 0; left--) {
        CHECK(wait(&status) > 0 && WIFEXITED(status));
        lost += WEXITSTATUS(status);
    }
    return lost;
}

int main(void)
{
    printf("%d\n", family(0));
    fflush(stdout);
    CHECK(wait(NULL) == -1 && errno == ECHILD);
    return success();
}
