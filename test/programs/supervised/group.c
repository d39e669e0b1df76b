/* Signals to the whole group also reach the supervisor's processes; slow objects still work. group PROGRAM */
#include "../slow.h"

int main(int argc, char **argv)
{
    static const int sent[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGALRM, SIGPIPE};
    uintptr_t address;
    pid_t child;

    CHECK(make_slow(sum, 5, &address) >= 0);
    for (unsigned i = 0; i < sizeof sent / sizeof *sent; i++) {
        CHECK(signal(sent[i], SIG_IGN) != SIG_ERR && kill(0, sent[i]) == 0);
        CHECK(sums(address, 5));
    }
    /* Another process is attached: the tracer can still be woken. */
    child = fork();
    if (child == 0) {
        execv(argv[argc - 1], argv + argc - 1);
    }
    CHECK(succeeded(child));
    puts("EXIT-SUCCESS");
    return 0;
}
