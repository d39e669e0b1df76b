/* The target of all calls. In a file of its own, so that the compiler cannot inline it. */
#include "run.h"

uint64_t target(uint64_t first, uint64_t second, uint64_t third)
{
    return first + second + third;
}
