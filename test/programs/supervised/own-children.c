/* All kinds of children, with a slow object if there is a supervisor. */
#include "../slow.h"
#include <pthread.h>
#include <spawn.h>
#include <sys/prctl.h>

extern char **environ;
static uintptr_t address;

static int fine(void)
{
    return address == 0 || sums(address, 5);
}

/* A thread that is not the main one calls execve. */
static void *execute(void *unused)
{
    CHECK(fine());
    execl("/bin/sh", "sh", "-c", "exit 7", NULL);
    return unused;
}

/* Keeps a thread busy, so that the process exits during an invocation or a call. */
static void *be_busy(void *unused)
{
    uintptr_t another;
    while (address == 0) pause();
    while (sums(address, 5)) {
        int fd = make_slow(sum, 5, &another);
        if (fd >= 0) CHECK(trampfd_unmap(fd, another) == 0 && close(fd) == 0);
    }
    return unused;
}

static void by_thread(void)
{
    pthread_t thread, others[4];
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 4; i++) pthread_create(&others[i], NULL, be_busy, NULL);
        pthread_create(&thread, NULL, execute, NULL);
        for (;;) pause();
    }
    printf("exec by a thread: %d\n", WEXITSTATUS(status_of(child)));
}

static void by_spawn(void)
{
    pid_t child;
    char *args[] = {"sh", "-c", "kill -ALRM $$", NULL};
    CHECK(posix_spawn(&child, "/bin/sh", NULL, NULL, args, environ) == 0);
    printf("spawn: %d\n", WTERMSIG(status_of(child)));
}

/* The grandchild outlives its parent, and this process adopts it. */
static void by_double_fork(void)
{
    int status;
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    pid_t child = fork();
    if (child == 0) {
        if (fork() == 0) {
            while (getppid() != (pid_t)strtol(getenv("PARENT"), NULL, 10)) usleep(500);
            _exit(fine() ? 5 : 1);
        }
        _exit(0);
    }
    CHECK(succeeded(child));
    CHECK(waitpid(-1, &status, 0) > 0);
    printf("double fork: %d\n", WEXITSTATUS(status));
}

/* SIGCHLD is ignored: children leave no zombies. */
static void unwatched(void)
{
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < 20; i++)
        if (fork() == 0) _exit(!fine());
    int status, left = waitpid(-1, &status, 0);
    printf("ignored: %d, %s\n", left, errno == ECHILD ? "none" : "some");
    signal(SIGCHLD, SIG_DFL);
}

static void many(void)
{
    for (int i = 0; i < 100; i++)
        if (fork() == 0) {
            if (trampfd_supported()) CHECK(make_slow(sum, i, &address) >= 0 && sums(address, i));
            _exit(i % 3);
        }
    int sum = 0, status;
    while (wait(&status) > 0) sum += status;
    printf("100 children: %d\n", sum);
}

int main(void)
{
    char number[16];
    setvbuf(stdout, NULL, _IONBF, 0);
    snprintf(number, sizeof number, "%d", getpid());
    setenv("PARENT", number, 1);
    if (trampfd_supported()) CHECK(make_slow(sum, 5, &address) >= 0);
    by_thread();
    by_spawn();
    by_double_fork();
    unwatched();
    many();
    puts("EXIT-SUCCESS");
    return 0;
}
