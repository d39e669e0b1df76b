/* What is called in the end. A file of its own, so that the compiler cannot put it into the loop. */
#include "run.h"

uint64_t target(uint64_t first, uint64_t second, uint64_t third)
{
    return first + second + third;
}
