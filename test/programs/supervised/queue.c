/* sigqueue(2): queue PID SIGNAL VALUE */
#include "../check.h"
#include <signal.h>

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    return sigqueue(atoi(argv[1]), atoi(argv[2]), (union sigval){.sival_int = atoi(argv[3])});
}
