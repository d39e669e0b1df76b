/* Prints all inherited state, so that two runs can be compared. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static void quoted(const char *name, const char *text)
{
    printf("%s ", name);
    for (; *text != '\0'; text++)
        printf(*text > ' ' && *text <= '~' && *text != '\\' ? "%c" : "\\%03o", (unsigned char)*text);
    putchar('\n');
}

static void descriptor(int fd)
{
    char path[64], target[4096];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = '\0';
    int kept = fcntl(fd, F_GETFD) == 0;
    printf("fd %d %s %o %s\n", fd, target, fcntl(fd, F_GETFL), kept ? "" : "close-on-exec");
}

static void signals(const char *name, int (*has)(int))
{
    printf("%s", name);
    for (int signal = 1; signal <= 64; signal++)
        if (has(signal))
            printf(" %d", signal);
    putchar('\n');
}

static int is_ignored(int signal)
{
    struct sigaction action;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static int is_blocked(int signal)
{
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    return sigismember(&blocked, signal) == 1;
}

extern char **environ;

int main(int argc, char **argv)
{
    /* Before any file is opened. */
    for (int fd = 0; fd < 1100; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            descriptor(fd);
    for (int index = 0; index < argc; index++)
        quoted("argument", argv[index]);
    for (char **variable = environ; *variable != NULL; variable++)
        quoted("variable", *variable);
    char folder[4096];
    quoted("folder", getcwd(folder, sizeof folder) == NULL ? "none" : folder);
    signals("ignored", is_ignored);
    signals("blocked", is_blocked);
    for (int limit = 0; limit < RLIMIT_NLIMITS; limit++) {
        struct rlimit both;
        getrlimit(limit, &both);
        printf("limit %d %lx %lx\n", limit, (long)both.rlim_cur, (long)both.rlim_max);
    }
    mode_t mask = umask(0);
    printf("umask %o\nnice %d\n", mask, getpriority(PRIO_PROCESS, 0));
    printf("ids %d %d %d %d\n", getuid(), geteuid(), getgid(), getegid());
    printf("personality %x\ndumpable %d\n", personality(0xffffffff), prctl(PR_GET_DUMPABLE));
    printf("slack %d\n", prctl(PR_GET_TIMERSLACK));
    printf("subreaper %d\n", prctl(PR_GET_CHILD_SUBREAPER, &mask, 0, 0, 0));
    puts("EXIT-SUCCESS");
    return 0;
}
