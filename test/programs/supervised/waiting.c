/* Exit codes and signals of children, orphans, and SIGCHLD. */
#include "../check.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static volatile sig_atomic_t children;

static void handle(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    children = children * 1000 + info->si_status;
}

int main(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    int status;
    for (int code = 0; code < 256; code += 51) {
        pid_t child = fork();
        if (child == 0)
            _exit(code);
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
        printf("exit %d\n", WEXITSTATUS(status));
    }
    int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGKILL, SIGSEGV, SIGPIPE, SIGTERM, SIGRTMIN + 3};
    for (size_t index = 0; index < sizeof signals / sizeof signals[0]; index++) {
        pid_t child = fork();
        if (child == 0) {
            signal(signals[index], SIG_DFL);
            raise(signals[index]);
            _exit(77);
        }
        CHECK(waitpid(child, &status, 0) == child);
        printf("signal %d: %d %d\n", signals[index], WIFSIGNALED(status), WTERMSIG(status));
    }
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGCHLD, &action, NULL);
    for (int code = 1; code <= 2; code++) {
        pid_t child = fork();
        if (child == 0)
            _exit(code);
        CHECK(waitpid(child, &status, 0) == child);
    }
    printf("SIGCHLD %d\n", children);
    signal(SIGCHLD, SIG_IGN);
    if (fork() == 0)
        _exit(0);
    CHECK(wait(NULL) == -1 && errno == ECHILD);
    return success();
}
