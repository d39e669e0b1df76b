/* Counts the instructions of a loop by single-stepping it in another process; see ptrace(2). */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

/* Delivers signals that the loop causes, and counts the instructions of their handlers. */
static uint64_t step_to_end(pid_t child, int status)
{
    uint64_t steps = 0;
    int deliver = 0;
    while (WIFSTOPPED(status) && ptrace(PTRACE_SINGLESTEP, child, 0, deliver) == 0) {
        siginfo_t info = {0};
        if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
            break;
        ptrace(PTRACE_GETSIGINFO, child, 0, &info);
        /* SI_KERNEL: a breakpoint instruction of the loop. SIGTRAP, from ptrace_notify: a handler is about to start. */
        int stepped = info.si_signo == SIGTRAP && info.si_code != SI_KERNEL;
        steps += stepped && info.si_code != SIGTRAP;
        deliver = stepped ? 0 : info.si_signo;
    }
    return steps;
}

/* Returns the instructions of `loop(run)`, or 0 if the system does not permit counting. */
uint64_t count_instructions(struct run *run, void (*loop)(struct run *))
{
    struct run *shared =
        mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 0;
    *shared = *run;
    pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
            _exit(1);
        raise(SIGSTOP);
        loop(shared);
        _exit(0);
    }
    int status = 0;
    uint64_t steps = child > 0 && waitpid(child, &status, 0) == child ? step_to_end(child, status) : 0;
    run->sum = shared->sum;
    munmap(shared, sizeof *shared);
    return steps;
}
