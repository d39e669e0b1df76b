/* sigqueue(2): a process, a signal, a value. */
#include "../check.h"
#include <signal.h>

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    return sigqueue(atoi(argv[1]), atoi(argv[2]), (union sigval){.sival_int = atoi(argv[3])});
}
