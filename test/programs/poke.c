/* poke PID ADDRESS: tries to change another process's memory, as a debugger would; prints the error's name. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    pid_t pid = atoi(argv[1]);
    void *address = (void *)strtoul(argv[2], NULL, 0);
    if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) != 0) {
        perror("PTRACE_ATTACH");
        return 1;
    }
    waitpid(pid, NULL, __WALL);
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, pid, address, NULL);
    int peeked = errno;
    errno = 0;
    long poked = ptrace(PTRACE_POKETEXT, pid, address, (void *)~word);
    const char *result = poked == 0 ? "ok" : strerrorname_np(errno);
    ptrace(PTRACE_DETACH, pid, NULL, NULL);
    printf("%s\n", peeked == 0 ? result : "unreadable");
    return 0;
}
