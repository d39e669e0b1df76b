/* Runs a program under PR_SET_MDWE: no memory of it can be writable and executable, or become executable. */
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

int main(int argc, char **argv)
{
    (void)argc;
    if (prctl(PR_SET_MDWE, 1L, 0L, 0L, 0L) != 0) {
        perror("PR_SET_MDWE");
        return 125;
    }
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}
