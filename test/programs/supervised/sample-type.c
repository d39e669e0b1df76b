/* A slow object of a type that the supervisor was given for this: it swaps two arguments. */
#include "../slow.h"

int main(void)
{
    uint64_t data = 0;
    uintptr_t swapped, plain;
    uint64_t (*call)(uint64_t, uint64_t, uint64_t);
    struct trampfd_reg pc = {.name = TRAMPFD_REG_PC, .value = (uintptr_t)sum};

    int fd = trampfd_create(77, &data, 0);
    CHECK(fd >= 0 && trampfd_set_regs(fd, &pc, 1) == 0 && trampfd_map(fd, &swapped) == 0);
    CHECK(make_slow(sum, 5, &plain) >= 0);
    call = (uint64_t(*)(uint64_t, uint64_t, uint64_t))swapped;
    CHECK(call(7, 11, 2) == sum(11, 7, 2));
    CHECK(sums(plain, 5));
    puts("EXIT-SUCCESS");
    return 0;
}
