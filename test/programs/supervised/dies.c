/* A child dies in the given way; prints how: dies WAY [DIRECTORY-FOR-CORE]. */
#include "../slow.h"
#include "../processor.h"
#include <string.h>
#include <sys/resource.h>

static uintptr_t address;

static void call(uintptr_t at)
{
    ((void (*)(void))at)();
}

/* Invokes with an invalid stack pointer. */
static void invoke_without_stack(void)
{
#if defined(__x86_64__)
    __asm__ volatile("mov $4096, %%rsp\n\tjmp *%0" : : "r"(address));
#elif defined(__aarch64__)
    __asm__ volatile("mov sp, %0\n\tbr %1" : : "r"(4096L), "r"(address));
#endif
}

static void die(const char *way, int fd)
{
    uintptr_t other = address;
    uint64_t value = 1;
    struct trampfd_stack stack = {.size = 8};
    if (strcmp(way, "null") == 0) *(volatile char *)NULL = 1;
    if (strcmp(way, "kill") == 0) kill(getpid(), SIGSEGV);
    if (strcmp(way, "abort") == 0) abort();
    if (strcmp(way, "trap") == 0) TRAP();
    if (strcmp(way, "term") == 0) raise(SIGTERM);
    if (strcmp(way, "exit") == 0) exit(200);
    if (strcmp(way, "middle") == 0) call(address + 1);
    if (strcmp(way, "past") == 0) call(address + 16);
    if (strcmp(way, "data") == 0) *(volatile char *)address = 1;
    if (strcmp(way, "unmapped") == 0 && trampfd_unmap(fd, other) == 0) call(other);
    if (strcmp(way, "no registers") == 0 && trampfd_set_regs(fd, NULL, 0) == 0) call(address);
    if (strcmp(way, "pc") == 0 && trampfd_set_allowed_pcs(fd, &value, 1) == 0) call(address);
    if (strcmp(way, "caller") == 0 && trampfd_set_allowed_callers(fd, (uint64_t[]){1, 2}, 2) == 0) call(address);
    if (strcmp(way, "stack") == 0 && trampfd_set_stack(fd, &stack) == 0) invoke_without_stack();
}

int main(int argc, char **argv)
{
    struct rlimit core = {0, 0};
    int fd = -1, status;
    CHECK(argc == 2 || (argc == 3 && chdir(argv[2]) == 0 && getrlimit(RLIMIT_CORE, &core) == 0));
    core.rlim_cur = core.rlim_max;
    CHECK(setrlimit(RLIMIT_CORE, &core) == 0);
    if (trampfd_supported()) CHECK((fd = make_slow(sum, 5, &address)) >= 0);
    pid_t child = fork();
    if (child == 0) {
        die(argv[1], fd);
        _exit(1);
    }
    status = status_of(child);
    printf("signal %d, exit %d, core %d\n", WTERMSIG(status), WEXITSTATUS(status), !!WCOREDUMP(status));
    puts("EXIT-SUCCESS");
    fflush(stdout);
    die(argv[1], fd);
    return 0;
}
