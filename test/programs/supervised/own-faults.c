/* Faults and signal handlers of a program, with slow objects if there is a supervisor. */
#include "../slow.h"
#include "../processor.h"
#include <setjmp.h>
#include <string.h>

static sigjmp_buf back;
static uintptr_t address;
static char stack[65536], *unreachable;
static int depth;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    char here, *pc = (char *)PC_OF(context);
    const char *place = info->si_addr == unreachable ? "there" : info->si_addr == NULL ? "null" : "elsewhere";
    printf("signal %d, code %d, at %s, %s, stack %s\n", signal, info->si_code,
           info->si_code > 0 ? place : info->si_pid == getpid() ? "self" : "another",
           pc == unreachable ? "fetch" : "data", &here >= stack && &here < stack + sizeof stack ? "own" : "usual");
    if (address != 0) CHECK(sums(address, 5));
    if (info->si_code <= 0) return;
    if (depth++ < 2) *(volatile char *)unreachable = 1;
    siglongjmp(back, 1);
}

static void handle(int flags)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | flags, .sa_sigaction = on_fault};
    for (int signal = 1; signal < 32; signal++)
        if (strchr("\4\5\7\10\13", signal) != NULL) CHECK(sigaction(signal, &action, NULL) == 0);
}

#define FAULT(text, what)                                                                     \
    do {                                                                                      \
        printf("%s: ", text);                                                                 \
        if (sigsetjmp(back, 1) == 0) what;                                                    \
        if (address != 0) CHECK(sums(address, 5));                                            \
    } while (0)

int main(void)
{
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    volatile int zero = 0;
    unreachable = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(unreachable != MAP_FAILED && sigaltstack(&alternate, NULL) == 0);
    if (trampfd_supported()) CHECK(make_slow(sum, 5, &address) >= 0);
    for (int round = 0; round < 6; round++) {
        handle((round & 1 ? SA_ONSTACK : 0) | SA_NODEFER);
        depth = round < 4 ? 3 : 0;
        FAULT("read", *(volatile char *)unreachable);
        FAULT("write", *(volatile char *)NULL = 1);
        FAULT("fetch", ((void (*)(void))unreachable)());
        FAULT("trap", TRAP());
        FAULT("illegal", __builtin_trap());
        FAULT("divide", zero = 100 / zero);
        FAULT("kernel", *(volatile char *)(1ull << 63) = 1);
        FAULT("kill", kill(getpid(), SIGSEGV));
        FAULT("raise", raise(SIGSEGV));
        FAULT("queue", sigqueue(getpid(), SIGSEGV, (union sigval){.sival_int = 3}));
        FAULT("raise trap", raise(SIGTRAP));
    }
    puts("EXIT-SUCCESS");
    return 0;
}
