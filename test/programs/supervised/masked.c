/* Slow invocations while SIGSEGV is blocked or ignored: masked blocked|ignored|handled. */
#include "../slow.h"
#include <string.h>

static uintptr_t address;

static void on_fault(int signal)
{
    _exit(signal == SIGSEGV && sums(address, 5) ? 33 : 1);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_fault}, now;
    sigset_t mask;

    CHECK(argc == 2 && make_slow(sum, 5, &address) >= 0);
    sigemptyset(&mask);
    sigaddset(&mask, SIGSEGV);
    if (strcmp(argv[1], "ignored") == 0) action.sa_handler = SIG_IGN;
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    if (strcmp(argv[1], "blocked") == 0) CHECK(sigprocmask(SIG_BLOCK, &mask, NULL) == 0);
    CHECK(sums(address, 5) && sums(address, 5));
    CHECK(sigaction(SIGSEGV, NULL, &now) == 0 && sigprocmask(0, NULL, &mask) == 0);
    printf("%s, %s\n", now.sa_handler == action.sa_handler ? "kept" : now.sa_handler == SIG_DFL ? "default" : "?",
           sigismember(&mask, SIGSEGV) ? "blocked" : "not blocked");
    puts("EXIT-SUCCESS");
    fflush(stdout);
    kill(getpid(), SIGSEGV);
    return 0;
}
