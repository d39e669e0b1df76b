/* Many instances in one object, each with its own contexts: `instances flags count`. */
#include "check.h"

static uint64_t same(uint64_t value)
{
    return value;
}

static uint64_t sum(uint64_t a, uint64_t b, uint64_t c)
{
    return a + b + c;
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    const uint32_t flags = (uint32_t)atoi(argv[1]), count = (uint32_t)atoi(argv[2]);
    int fd = make(flags, count);
    struct trampfd_map m;
    CHECK(trampfd_get_map(fd, &m) == 0);
    uintptr_t base = map(fd);
    /* A sample, always with the first and the last. */
    const uint32_t step = count > 4096 ? 61 : 1;
#define EACH(i) for (uint32_t i = 0; i < count; i = i + step < count || i == count - 1 ? i + step : count - 1)
    EACH(i)
        CHECK(set_target(fd, i, (uintptr_t)same, i * 7) == 0);
    EACH(i)
        CHECK(call(base + i * m.stride) == i * 7);
    /* Every third gets other registers, after the object was mapped. */
    for (uint32_t i = 0; i < count; i += 3 * step) {
        struct trampfd_reg regs[] = {{TRAMPFD_REG_PC, 0, (uintptr_t)sum},
                                     {TRAMPFD_REG_ARG0, 0, i},
                                     {TRAMPFD_REG_ARG1, 0, 1},
                                     {TRAMPFD_REG_ARG2, 0, 1000}};
        CHECK(trampfd_set_regs_at(fd, i, regs, 4) == 0);
    }
    for (uint32_t i = 0; i < count; i += step) {
        struct trampfd_reg regs[4];
        CHECK(trampfd_get_regs_at(fd, i, regs, 4) == (i % (3 * step) == 0 ? 4 : 2));
        CHECK(call(base + i * m.stride) == (i % (3 * step) == 0 ? i + 1001 : i * 7));
    }
    return success();
}
