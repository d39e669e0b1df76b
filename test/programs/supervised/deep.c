/* Stack data below the current end of a stack, and on the last page of one that cannot grow. */
#include "../slow.h"
#include <pthread.h>

static uintptr_t address;
typedef uint64_t function(uint64_t, uint64_t);

/* Moves the stack pointer down by a page at a time, and invokes each time. */
__attribute__((noinline)) static void descend(int pages)
{
    volatile char page[4096 - 64];
    page[sizeof page - 1] = 0;
    CHECK(((function *)address)(7, 11) == sum(7, 11, 5));
    if (pages > 0) descend(pages - 1);
    page[sizeof page - 1] = 1;
}

int main(void)
{
    struct trampfd_stack stack = {.offset = 256, .size = 64};
    int fd = make_slow(sum, 5, &address);
    CHECK(fd >= 0 && trampfd_set_stack(fd, &stack) == 0);
    descend(1000);
    puts("EXIT-SUCCESS");
    return 0;
}
