/* Compares handlers with random CPU states with the rules: `handler-states rounds seed`. */
#include "check.h"
#include "../capture.c"

/* The script of follow_script in handler.c, and what it records. */
extern struct script {
    struct trampfd_saved left, seen;
    uint64_t block, trampoline, stack, flags;
} script;
extern void follow_script(struct trampfd_saved *, void *);
extern void capture_target(void);

enum {
    instances = 5,
    red_zone = 128,        /* psABI, section 3.2.2 */
    own_flags = 0xcd5,     /* CF, PF, AF, ZF, SF, DF, OF */
    direction_flag = 0x400,
    constant_flags = 0x202 /* IF, and the bit that is always 1 */
};

static unsigned char arena[1 << 14], before_it[sizeof arena];
static uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void fill(void *at, size_t length)
{
    for (unsigned char *byte = at; length > 0; length--)
        *byte++ = (unsigned char)(next() >> 33);
}

static uint64_t any_flags(void)
{
    return (next() & own_flags) | constant_flags;
}

static void any_state(struct state *it, int alignment)
{
    fill(it, sizeof *it);
    it->sp = ((uintptr_t)arena + sizeof arena / 2) / 16 * 16 + (uint64_t)alignment;
    it->flags = any_flags();
    /* All exceptions remain masked. */
    it->mxcsr = 0x1f80 | (it->mxcsr & 0xe07f);
    it->x87 = 0x37f | (it->x87 & 0xc00);
}

/* The state that a handler sees: the caller's after the return. */
static struct trampfd_saved saved_of(const struct state *it)
{
    struct trampfd_saved saved;
    memcpy(&saved, it->registers, sizeof it->registers);
    saved.flags = it->flags;
    memcpy(&saved.pc, (void *)it->sp, sizeof saved.pc);
    saved.sp = it->sp + 8;
    memcpy(saved.xmm, it->vectors, sizeof saved.xmm);
    return saved;
}

/* The state that the handler sets: some registers, all, or only the PC. */
static void change(struct trampfd_saved *saved, unsigned percent)
{
    struct trampfd_saved other;
    fill(&other, sizeof other);
    other.flags = any_flags();
    other.sp = saved->sp + next() % 2000 - 1000;
    for (size_t i = 0; i < sizeof other / 8; i++)
        if (next() % 100 < percent)
            memcpy((char *)saved + 8 * i, (char *)&other + 8 * i, 8);
    saved->pc = (uintptr_t)capture_target;
}

/* Memory in use before or after was not written. */
static void check_memory(uint64_t sp_before, uint64_t sp_after)
{
    const uint64_t higher = sp_before + 8 >= sp_after ? sp_before : sp_after;
    const size_t at = higher - red_zone - (uintptr_t)arena;
    CHECK(memcmp(arena + at, before_it + at, sizeof arena - at) == 0);
}

static void check(uintptr_t entry, int alignment, unsigned percent)
{
    struct state before, after;
    fill(arena, sizeof arena);
    memcpy(before_it, arena, sizeof arena);
    any_state(&before, alignment);
    before.entry = entry;
    const struct trampfd_saved expected = saved_of(&before);
    script.left = expected;
    change(&script.left, percent);
    capture(&before, &after, 1);

    script.seen.flags &= ~0x10000ull; /* RF, which the CPU sets */
    CHECK(memcmp(&script.seen, &expected, sizeof expected) == 0);
    CHECK(script.trampoline == entry && (script.flags & direction_flag) == 0);
    CHECK(script.block % 16 == 0 && script.stack % 16 == 0);
    CHECK(script.block + sizeof expected <= before.sp - red_zone);

    const struct trampfd_saved *left = &script.left;
    CHECK(memcmp(after.registers, left, sizeof after.registers) == 0);
    CHECK(after.sp == left->sp);
    CHECK((after.flags & own_flags) == (left->flags & own_flags));
    CHECK(memcmp(after.vectors, left->xmm, sizeof left->xmm) == 0);
    CHECK(after.mxcsr == before.mxcsr && after.x87 == before.x87);
    check_memory(before.sp, left->sp);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    state = strtoull(argv[2], NULL, 10) | (1ull << 40);
    struct trampfd_handler data = {0, instances};
    struct trampfd_reg pc = {TRAMPFD_REG_PC, 0, (uintptr_t)follow_script};
    struct trampfd_map m;
    int fd = trampfd_create(TRAMPFD_HANDLER, &data, 0);
    CHECK(fd >= 0 && trampfd_get_map(fd, &m) == 0);
    const uintptr_t address = map(fd);
    for (uint32_t i = 0; i < instances; i++)
        CHECK(trampfd_set_regs_at(fd, i, &pc, 1) == 0);
    for (long i = 0, rounds = atol(argv[1]); i < rounds; i++) {
        static const unsigned percent[] = {0, 5, 50, 100};
        check(address + (uintptr_t)(i % instances) * m.stride, (int)(i % 16), percent[i % 4]);
    }
    return success();
}
