/* Traced processes that reuse the process ID of one that has just ended. Needs its own PID namespace. */
#include "../slow.h"
#include <fcntl.h>

/* The next process gets this ID, if it is free. */
static void ask_for(pid_t pid)
{
    char text[16];
    int file = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    CHECK(file >= 0 && write(file, text, (size_t)snprintf(text, sizeof text, "%d", pid - 1)) > 0);
    close(file);
}

/* Another object at another address in each process. */
static void invoke(unsigned round)
{
    uintptr_t address = 0;
    for (unsigned i = 0; i <= round % 5; i++) {
        CHECK(mmap(NULL, 4096 * (1 + round), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
        CHECK(make_slow(sum, round + i, &address) >= 0 && sums(address, round + i));
    }
    if (round % 2 == 0) kill(getpid(), SIGKILL);
    _exit(0);
}

int main(void)
{
    pid_t first = fork();
    if (first == 0) invoke(1);
    CHECK(succeeded(first));
    for (unsigned round = 0; round < 60; round++) {
        ask_for(first);
        pid_t child = fork();
        if (child == 0) invoke(round);
        CHECK(child == first);
        int status = status_of(child);
        CHECK(round % 2 == 0 ? WTERMSIG(status) == SIGKILL : status == 0);
    }
    puts("EXIT-SUCCESS");
    return 0;
}
