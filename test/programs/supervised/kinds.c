/* Tables, whose arrays are read at each invocation, and code followed by its data. */
#include "check.h"

enum { count = 300 };

static uint64_t twice(uint64_t value)
{
    return 2 * value;
}

static uint64_t thrice(uint64_t value)
{
    return 3 * value;
}

static uint64_t pair(uint64_t a, uint64_t b)
{
    return 1000 * a + b;
}

static void table(void)
{
    static uint64_t codes[count], data[count];
    struct trampfd_table it = {
        0, count, TRAMPFD_X64_RAX, TRAMPFD_REG_ARG0, (uintptr_t)codes, (uintptr_t)data,
    };
    int fd = trampfd_create(TRAMPFD_TABLE, &it, 0);
    struct trampfd_map m;
    CHECK(fd >= 0 && trampfd_get_map(fd, &m) == 0);
    uintptr_t base = map(fd);
    for (uint64_t i = 0; i < count; i++) {
        codes[i] = i % 2 ? (uintptr_t)twice : (uintptr_t)thrice;
        data[i] = i;
    }
    for (uint64_t i = 0; i < count; i++)
        CHECK(call(base + i * m.stride) == (i % 2 ? 2 * i : 3 * i));
    data[5] = 100;
    codes[5] = (uintptr_t)thrice;
    CHECK(call(base + 5 * m.stride) == 300);
    close(fd);
    CHECK(call(base) == 0);
}

static void code(void)
{
    struct trampfd_code it = {.count = count, .nregs = 2, .regs = {TRAMPFD_REG_ARG1, TRAMPFD_REG_ARG0}};
    int fd = trampfd_create(TRAMPFD_CODE, &it, 0);
    struct trampfd_map m;
    CHECK(fd >= 0 && trampfd_get_map(fd, &m) == 0);
    CHECK(trampfd_slot_size(&it) == 24);
    char *reserved = mmap(NULL, 2 * m.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t *slots = mmap(reserved + m.size, m.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    uintptr_t base;
    CHECK(slots != MAP_FAILED && trampfd_map_at(fd, (uintptr_t)reserved, &base) == 0);
    CHECK(base == (uintptr_t)reserved);
    for (uint64_t i = 0; i < count; i++) {
        slots[3 * i] = (uintptr_t)pair;
        slots[3 * i + 1] = i; /* ARG1 */
        slots[3 * i + 2] = i + 1;
    }
    for (uint64_t i = 0; i < count; i++)
        CHECK(call(base + i * m.stride) == 1000 * (i + 1) + i);
    CHECK(trampfd_unmap(fd, base) == 0);
}

int main(void)
{
    table();
    code();
    return success();
}
