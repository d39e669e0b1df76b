/* Jumps out of signal handlers on alternate stacks: stack overflow, null pointer, division by 0. */
#define _GNU_SOURCE
#include "../check.h"
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

static sigjmp_buf back;
static siginfo_t received;
static volatile int deep = 1;

static void handle(int signal, siginfo_t *info, void *context)
{
    (void)context;
    received = *info;
    siglongjmp(back, signal);
}

static int deeper(volatile char *above)
{
    volatile char here[4096];
    here[0] = above[0];
    return here[0] == 1 ? 0 : deeper(here) + here[0];
}

static void fault(int which)
{
    static char *page;
    page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile int zero = 0;
    char start[1] = {0};
    if (which == 0)
        *(volatile int *)(intptr_t)zero = 1;
    else if (which == 1)
        page[0] = 1;
    else if (which == 2)
        zero = deep / zero;
    else if (which == 3)
        deeper(start);
    else if (which == 4)
        ((void (*)(void))page)();
    else if (which == 5)
        __builtin_trap();
    else if (which == 6)
        raise(SIGSEGV);
}

int main(void)
{
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    CHECK(sigaltstack(&stack, NULL) == 0);
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    int signals[] = {SIGSEGV, SIGFPE, SIGILL, SIGBUS};
    for (int index = 0; index < 4; index++)
        sigaction(signals[index], &action, NULL);
    for (int round = 0; round < 21; round++) {
        int signal = sigsetjmp(back, 1);
        if (signal == 0) {
            fault(round % 7);
            CHECK(0);
        }
        printf("%d: signal %d, code %d\n", round % 7, signal, received.si_code);
    }
    return success();
}
