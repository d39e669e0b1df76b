/* The program's own pseudoterminal: a shell in it, keys, window size. */
#define _GNU_SOURCE
#include "../check.h"
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

static volatile sig_atomic_t resized;

static void handle(int signal)
{
    (void)signal;
    resized = 1;
}

static void expect(int fd, const char *text)
{
    char got[4096] = "";
    size_t length = 0;
    while (strstr(got, text) == NULL) {
        ssize_t more = read(fd, got + length, sizeof got - 1 - length);
        CHECK(more > 0);
        length += (size_t)more;
    }
    printf("%s\n", text);
}

int main(void)
{
    struct winsize size = {.ws_row = 30, .ws_col = 90};
    int fd, status;
    pid_t child = forkpty(&fd, NULL, NULL, &size);
    if (child == 0) {
        signal(SIGWINCH, handle);
        signal(SIGINT, SIG_DFL);
        puts("ready");
        fflush(stdout);
        while (!resized)
            usleep(1000);
        ioctl(0, TIOCGWINSZ, &size);
        printf("%dx%d\n", size.ws_row, size.ws_col);
        fflush(stdout);
        for (;;)
            pause();
    }
    expect(fd, "ready");
    size.ws_row = 31;
    CHECK(ioctl(fd, TIOCSWINSZ, &size) == 0);
    expect(fd, "31x90");
    CHECK(write(fd, "\032", 1) == 1); /* ^Z: an orphaned process group does not stop */
    CHECK(write(fd, "\003", 1) == 1);
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    printf("signal %d\n", WTERMSIG(status));
    return success();
}
