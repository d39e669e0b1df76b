/* The program's own seccomp filters: errno, kill and trap actions; a second listener is refused. */
#define _GNU_SOURCE
#include "../check.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static volatile sig_atomic_t trapped;

static void handle(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    trapped = info->si_syscall;
}

static void on(int call, unsigned action)
{
    struct sock_filter code[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (unsigned)call},
        {BPF_RET | BPF_K, 0, 0, action},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    struct sock_fprog program = {4, code};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
}

int main(void)
{
    int status;
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
    on(SYS_getppid, SECCOMP_RET_ERRNO | ENOTTY);
    CHECK(syscall(SYS_getppid) == -1 && errno == ENOTTY);
    on(SYS_getuid, SECCOMP_RET_TRAP);
    syscall(SYS_getuid);
    printf("trapped %d\n", trapped);
    pid_t child = fork();
    if (child == 0) {
        on(SYS_getgid, SECCOMP_RET_KILL_PROCESS);
        syscall(SYS_getgid);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    printf("signal %d\n", WTERMSIG(status));
    child = fork();
    if (child == 0) {
        CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == -1 || 1);
        _exit(8);
    }
    CHECK(waitpid(child, &status, 0) == child);
    printf("prctl(PR_GET_SECCOMP) %d\n", prctl(PR_GET_SECCOMP));
    return success();
}
