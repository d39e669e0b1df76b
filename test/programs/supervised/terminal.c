/*
 * Runs a program in a pseudoterminal and performs steps: terminal STEP... -- PROGRAM ARGUMENT...
 *
 *     wait:TEXT   waits until TEXT has been printed, after the text of the previous wait
 *     type:TEXT
 *     size:ROWSxCOLUMNS
 *     hang-up     closes the terminal
 *
 * Prints the program's output and exit status.
 */
#define _GNU_SOURCE
#include "../check.h"
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

static char output[1 << 20];
static size_t length, seen;

static int more(int fd)
{
    ssize_t got = read(fd, output + length, sizeof output - 1 - length);
    if (got > 0)
        length += (size_t)got;
    return got > 0;
}

static void expired(int signal)
{
    static const char message[] = "\n[time is up]\n";
    (void)signal;
    CHECK(write(1, output, length) > 0 && write(1, message, sizeof message - 1) > 0);
    _exit(1);
}

int main(int argc, char **argv)
{
    int fd = -1, status, steps = 1;
    while (steps < argc && strcmp(argv[steps], "--") != 0)
        steps++;
    CHECK(steps + 1 < argc);
    pid_t child = forkpty(&fd, NULL, NULL, NULL);
    CHECK(child >= 0);
    if (child == 0) {
        execvp(argv[steps + 1], argv + steps + 1);
        _exit(127);
    }
    signal(SIGALRM, expired);
    alarm(50);
    for (int step = 1; step < steps; step++) {
        char *text = strchr(argv[step], ':');
        struct winsize size = {0};
        if (text != NULL)
            text++;
        if (strncmp(argv[step], "wait:", 5) == 0) {
            char *found;
            while ((found = strstr(output + seen, text)) == NULL)
                CHECK(more(fd));
            seen = (size_t)(found - output) + strlen(text);
        } else if (strncmp(argv[step], "type:", 5) == 0) {
            CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
        } else if (strncmp(argv[step], "size:", 5) == 0) {
            CHECK(sscanf(text, "%hux%hu", &size.ws_row, &size.ws_col) == 2);
            CHECK(ioctl(fd, TIOCSWINSZ, &size) == 0);
        } else {
            close(fd);
            fd = -1;
        }
    }
    while (fd >= 0 && more(fd))
        ;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(fwrite(output, 1, length, stdout) == length);
    printf("\n[%s %d]\n", WIFSIGNALED(status) ? "signal" : "status",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return 0;
}
