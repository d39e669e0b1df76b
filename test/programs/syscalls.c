/* Results of the calls for valid and invalid arguments: each statement of trampfd_create(2). */
#include "syscalls.h"

#include <fcntl.h>

enum { page = 4096 };
static char *unreadable, *read_only;

/* Accesses contexts by C library functions, hidden from the compiler, which would warn about invalid arguments. */
__attribute__((noinline)) static long put(int fd, const void *from, size_t length, int64_t offset)
{
    return pwrite(fd, from, length, offset);
}
__attribute__((noinline)) static long get(int fd, void *to, size_t length, int64_t offset)
{
    return pread(fd, to, length, offset);
}

static void objects(void)
{
    struct trampfd_user user = {0, 0};
    struct trampfd_map map;
    int fd;
    EXPECT(EINVAL, trampfd_create(4, &user, 0));
    EXPECT(EINVAL, trampfd_create(-1, &user, 0));
    EXPECT(EINVAL, trampfd_create(TRAMPFD_USER, &user, 1));
    EXPECT(EINVAL, trampfd_create(TRAMPFD_USER, NULL, 0));
    EXPECT(EFAULT, trampfd_create(TRAMPFD_USER, unreadable, 0));
    EXPECT(EFAULT, trampfd_create(TRAMPFD_USER, unreadable - 4, 0));
    EXPECT(EINVAL, make_user(2, 1));
    EXPECT(EINVAL, make_user(TRAMPFD_SLOW | 2, 1));
    EXPECT(EINVAL, make_user(0, TRAMPFD_MAX_COUNT + 1));
    EXPECT(0, fd = trampfd_create(TRAMPFD_USER, &user, 0));
    TRUE(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    EXPECT(0, get(fd, &map, sizeof map, TRAMPFD_MAP_OFFSET));
    TRUE((map.flags & MAP_SHARED) != 0 && map.prot == (PROT_READ | PROT_EXEC) && map.size % page == 0);
    EXPECT(EINVAL, get(fd, &map, sizeof map - 1, TRAMPFD_MAP_OFFSET));
    EXPECT(EINVAL, get(fd, &map, sizeof map + 1, TRAMPFD_MAP_OFFSET));
    EXPECT(EINVAL, put(fd, &map, sizeof map, TRAMPFD_MAP_OFFSET));
    EXPECT(EINVAL, get(fd, &map, sizeof map, TRAMPFD_OFFSET_BASE + 5));
    EXPECT(EINVAL, trampfd_get_regs_at(fd, 1, NULL, 0));
    close(fd);
    EXPECT(0, fd = make_user(0, TRAMPFD_MAX_COUNT));
    EXPECT(0, trampfd_get_regs_at(fd, TRAMPFD_MAX_COUNT - 1, NULL, 0));
    EXPECT(EINVAL, trampfd_get_regs_at(fd, TRAMPFD_MAX_COUNT, NULL, 0));
    EXPECT(EINVAL, trampfd_get_regs_at(fd, UINT32_MAX, NULL, 0));
    EXPECT(EINVAL, trampfd_set_regs_at(fd, TRAMPFD_MAX_COUNT, NULL, 0));
    EXPECT(EINVAL, trampfd_set_regs_at(fd, UINT32_MAX, NULL, 0));
    close(fd);
}

static void registers(void)
{
    const uint64_t target = (uintptr_t)add, other = (uintptr_t)puts;
    struct trampfd_reg regs[TRAMPFD_MAX_REGS + 1], seen[4];
    struct trampfd_regs context;
    uintptr_t address;
    int fd = make_user(0, 1);

    TRUE(trampfd_get_regs(fd, seen, 4) == 0);
    regs[0] = reg(TRAMPFD_REG_PC, target);
    regs[1] = reg(TRAMPFD_REG_ARG1, 5);
    EXPECT(0, trampfd_set_regs(fd, regs, 2));
    EXPECT(0, trampfd_map(fd, &address));
    TRUE(((long (*)(long))address)(2) == 7);

    /* None of these changes it. */
    EXPECT(EINVAL, trampfd_set_regs(fd, regs + 1, 1));
    regs[2] = reg(TRAMPFD_REG_PC, 0);
    EXPECT(EINVAL, trampfd_set_regs(fd, regs, 3));
    regs[2] = reg(TRAMPFD_X64_RAX - 1, 1);
    EXPECT(EINVAL, trampfd_set_regs(fd, regs, 3));
    regs[2] = reg(TRAMPFD_ARM64_PC + 1, 1);
    EXPECT(EINVAL, trampfd_set_regs(fd, regs, 3));
    regs[2] = reg(TRAMPFD_REG_ARG0, 1);
    regs[2].reserved = 1;
    EXPECT(EINVAL, trampfd_set_regs(fd, regs, 3));
    for (int i = 2; i <= TRAMPFD_MAX_REGS; i++)
        regs[i] = reg(TRAMPFD_REG_ARG1, (uint64_t)i);
    EXPECT(EINVAL, trampfd_set_regs(fd, regs, TRAMPFD_MAX_REGS + 1));
    TRUE(trampfd_get_regs(fd, seen, 4) == 2 && seen[0].value == target && seen[1].value == 5);
    TRUE(((long (*)(long))address)(2) == 7);

    /* The last entry of a name applies; all are read back. */
    EXPECT(0, trampfd_set_regs(fd, regs, TRAMPFD_MAX_REGS));
    TRUE(trampfd_get_regs(fd, seen, 4) == TRAMPFD_MAX_REGS && seen[1].value == 5 && seen[3].value == 3);
    TRUE(((long (*)(long))address)(2) == 2 + TRAMPFD_MAX_REGS - 1);

    /* Lengths, reserved fields and memory. */
    context.nregs = 1;
    context.reserved = 0;
    context.regs[0] = regs[0];
    EXPECT(0, put(fd, &context, TRAMPFD_REGS_SIZE(1), TRAMPFD_REGS_OFFSET));
    EXPECT(EINVAL, put(fd, &context, TRAMPFD_REGS_SIZE(1) - 1, TRAMPFD_REGS_OFFSET));
    EXPECT(EINVAL, put(fd, &context, TRAMPFD_REGS_SIZE(2), TRAMPFD_REGS_OFFSET));
    EXPECT(EINVAL, put(fd, &context, sizeof context + 16, TRAMPFD_REGS_OFFSET));
    EXPECT(EINVAL, put(fd, &context, 0, TRAMPFD_REGS_OFFSET));
    EXPECT(EINVAL, put(fd, NULL, TRAMPFD_REGS_SIZE(1), TRAMPFD_REGS_OFFSET));
    EXPECT(EFAULT, put(fd, unreadable, TRAMPFD_REGS_SIZE(1), TRAMPFD_REGS_OFFSET));
    EXPECT(EFAULT, put(fd, unreadable - 8, TRAMPFD_REGS_SIZE(1), TRAMPFD_REGS_OFFSET));
    context.reserved = 1;
    EXPECT(EINVAL, put(fd, &context, TRAMPFD_REGS_SIZE(1), TRAMPFD_REGS_OFFSET));

    memset(&context, 0xff, sizeof context);
    TRUE(get(fd, &context, sizeof context, TRAMPFD_REGS_OFFSET) == sizeof context);
    TRUE(context.nregs == 1 && context.regs[0].value == target && context.regs[1].value == UINT64_MAX);
    memset(&context, 0xff, sizeof context);
    TRUE(get(fd, &context, 12, TRAMPFD_REGS_OFFSET) == 12);
    TRUE(context.nregs == 1 && context.regs[0].name == TRAMPFD_REG_PC);
    TRUE(context.regs[0].reserved == UINT32_MAX);
    EXPECT(EINVAL, get(fd, &context, 7, TRAMPFD_REGS_OFFSET));
    EXPECT(EINVAL, get(fd, &context, sizeof context + 1, TRAMPFD_REGS_OFFSET));
    EXPECT(EINVAL, get(fd, NULL, sizeof context, TRAMPFD_REGS_OFFSET));
    EXPECT(EFAULT, get(fd, unreadable, sizeof context, TRAMPFD_REGS_OFFSET));
    EXPECT(EFAULT, get(fd, read_only, sizeof context, TRAMPFD_REGS_OFFSET));
    EXPECT(EFAULT, get(fd, (void *)(uintptr_t)add, sizeof context, TRAMPFD_REGS_OFFSET));

    /* Allowed PCs are checked when registers are set, not when the list is. */
    uint64_t pcs[TRAMPFD_MAX_PCS + 1];
    for (int i = 0; i <= TRAMPFD_MAX_PCS; i++)
        pcs[i] = other;
    EXPECT(EINVAL, trampfd_set_allowed_pcs(fd, pcs, TRAMPFD_MAX_PCS + 1));
    EXPECT(0, trampfd_set_allowed_pcs(fd, pcs, TRAMPFD_MAX_PCS));
    TRUE(((long (*)(long))address)(2) != 0);
    EXPECT(EINVAL, trampfd_set_regs(fd, regs, 2));
    pcs[1] = 0;
    EXPECT(EINVAL, trampfd_set_allowed_pcs(fd, pcs, 2));
    pcs[1] = target;
    EXPECT(0, trampfd_set_allowed_pcs(fd, pcs, 2));
    EXPECT(0, trampfd_set_regs(fd, regs, 2));
    TRUE(trampfd_get_allowed_pcs(fd, pcs, 1) == 2 && pcs[0] == other);
    EXPECT(0, trampfd_set_allowed_pcs(fd, NULL, 0));
    TRUE(trampfd_get_allowed_pcs(fd, pcs, 1) == 0);

    EXPECT(0, trampfd_set_regs(fd, NULL, 0));
    TRUE(trampfd_get_regs(fd, seen, 4) == 0);
    EXPECT(0, trampfd_unmap(fd, address));
    close(fd);
}

static void stacks_and_callers(void)
{
    struct trampfd_stack stack, seen;
    uint64_t callers[] = {0x1000, 0x2000, 0x3000, 0x3000};
    int fd = make_user(0, 1), slow = make_user(TRAMPFD_SLOW, 1);
    memset(&stack, 7, sizeof stack);
    stack.flags = TRAMPFD_SET_SP;
    stack.offset = TRAMPFD_MAX_STACK_OFFSET;
    stack.size = TRAMPFD_MAX_STACK_DATA;
    stack.reserved = 0;
    EXPECT(0, trampfd_set_stack(fd, &stack));
    EXPECT(0, trampfd_get_stack(fd, &seen));
    TRUE(memcmp(&stack, &seen, sizeof stack) == 0);
    stack.flags = 2;
    EXPECT(EINVAL, trampfd_set_stack(fd, &stack));
    stack.flags = 0;
    stack.offset++;
    EXPECT(EINVAL, trampfd_set_stack(fd, &stack));
    stack.offset = 0;
    stack.reserved = 1;
    EXPECT(EINVAL, trampfd_set_stack(fd, &stack));
    stack.reserved = 0;
    stack.size++;
    EXPECT(EINVAL, trampfd_set_stack(fd, &stack));
    EXPECT(EINVAL, put(fd, &stack, sizeof stack, TRAMPFD_STACK_OFFSET));
    EXPECT(0, trampfd_get_stack(fd, &seen));
    TRUE(seen.flags == TRAMPFD_SET_SP && seen.size == TRAMPFD_MAX_STACK_DATA);
    stack.size = 0;
    EXPECT(0, trampfd_set_stack(fd, &stack));
    EXPECT(0, trampfd_get_stack(fd, &seen));
    TRUE(seen.size == 0);

    EXPECT(EINVAL, trampfd_set_allowed_callers(fd, callers, 2));
    EXPECT(EINVAL, trampfd_set_allowed_callers(slow, callers, 1));
    EXPECT(EINVAL, trampfd_set_allowed_callers(slow, callers, 4));
    EXPECT(0, trampfd_set_allowed_callers(slow, callers, 2));
    TRUE(trampfd_get_allowed_callers(slow, callers, 2) == 2 && callers[1] == 0x2000);
    close(fd);
    close(slow);
}

static void tables_and_code(void)
{
    uint64_t codes[] = {0, (uintptr_t)add}, data[] = {0, 40};
    struct trampfd_table table = {0, 2, TRAMPFD_X64_R11, TRAMPFD_REG_ARG1, (uintptr_t)codes, (uintptr_t)data};
    struct trampfd_code code;
    struct trampfd_map map;
    uintptr_t address;
    int fd;
    EXPECT(0, fd = trampfd_create(TRAMPFD_TABLE, &table, 0));
    EXPECT(0, trampfd_get_map(fd, &map));
    EXPECT(0, trampfd_map(fd, &address));
    TRUE(((long (*)(long))(address + map.stride))(2) == 42);
    data[1] = 50;
    TRUE(((long (*)(long))(address + map.stride))(2) == 52);
    EXPECT(EINVAL, trampfd_get_regs(fd, NULL, 0));
    EXPECT(EINVAL, trampfd_set_regs(fd, NULL, 0));
    close(fd);
    table.data_reg = table.code_reg;
    EXPECT(EINVAL, trampfd_create(TRAMPFD_TABLE, &table, 0));
    table.data_reg = TRAMPFD_REG_PC;
    EXPECT(EINVAL, trampfd_create(TRAMPFD_TABLE, &table, 0));
    table.data_reg = TRAMPFD_REG_ARG1;
    table.flags = TRAMPFD_SLOW;
    EXPECT(EINVAL, trampfd_create(TRAMPFD_TABLE, &table, 0));
    table.flags = 0;
    table.data_table = 0;
    EXPECT(EINVAL, trampfd_create(TRAMPFD_TABLE, &table, 0));

    memset(&code, 0, sizeof code);
    code.count = 3;
    code.nregs = 2;
    code.regs[0] = TRAMPFD_REG_ARG1;
    code.regs[1] = TRAMPFD_REG_ARG0;
    /* RSI is 12 and RDI 13, but X1 is 14 and X0 13: once in each order. */
    if (code.regs[0] > code.regs[1]) {
        code.regs[0] = TRAMPFD_REG_ARG0;
        code.regs[1] = TRAMPFD_REG_ARG1;
    }
    EXPECT(0, fd = trampfd_create(TRAMPFD_CODE, &code, 0));
    EXPECT(0, trampfd_get_map(fd, &map));
    TRUE(trampfd_slot_size(&code) == 24);
    const size_t length = 3 * trampfd_slot_size(&code);
    char *reserved = (char *)mmap(NULL, map.size + length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(0, trampfd_map_at(fd, (uintptr_t)reserved, &address));
    TRUE(address == (uintptr_t)reserved + map.ioffset);
    uint64_t *slots = (uint64_t *)mmap(reserved + map.size, length, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    slots[6] = (uintptr_t)add;
    slots[7] = 30;
    slots[8] = 31;
    TRUE(((long (*)(void))(address + 2 * map.stride))() == 61);
    EXPECT(EINVAL, trampfd_get_regs(fd, NULL, 0));
    close(fd);
    code.regs[2] = code.regs[1];
    code.nregs = 3;
    EXPECT(EINVAL, trampfd_create(TRAMPFD_CODE, &code, 0));
    code.nregs = 2; /* one more than there are */
    EXPECT(EINVAL, trampfd_create(TRAMPFD_CODE, &code, 0));
    code.regs[2] = 0;
    code.nregs = TRAMPFD_MAX_REGS + 1;
    EXPECT(EINVAL, trampfd_create(TRAMPFD_CODE, &code, 0));
    code.nregs = 2;
    code.flags = TRAMPFD_SLOW;
    EXPECT(EINVAL, trampfd_create(TRAMPFD_CODE, &code, 0));
    code.flags = 0;
    code.stack_size = TRAMPFD_MAX_STACK_DATA + 1;
    EXPECT(EINVAL, trampfd_create(TRAMPFD_CODE, &code, 0));
}

/* Handles small numbers itself, and forwards others to add. */
static void handle(struct trampfd_saved *saved, void *trampoline)
{
    uint64_t *a = trampfd_saved_reg(saved, TRAMPFD_REG_ARG0);
    (void)trampoline;
    *trampfd_saved_reg(saved, TRAMPFD_REG_ARG1) = 1000;
    if (*a < 10)
        trampfd_return(saved, *a + 1);
    else
        trampfd_tail_call(saved, (uintptr_t)add);
}

static void handlers(void)
{
    struct trampfd_handler handler = {TRAMPFD_SLOW, 2};
    struct trampfd_reg regs[] = {reg(TRAMPFD_REG_PC, (uintptr_t)handle), reg(TRAMPFD_REG_ARG1, 1)}, seen[2];
    struct trampfd_stack stack;
    struct trampfd_map map;
    const uint64_t pcs[] = {1, 2};
    uintptr_t address;
    int fd;
    EXPECT(EINVAL, trampfd_create(TRAMPFD_HANDLER, &handler, 0));
    handler.flags = 0;
    EXPECT(EINVAL, trampfd_create(TRAMPFD_HANDLER, &handler, 1));
    EXPECT(0, fd = trampfd_create(TRAMPFD_HANDLER, &handler, 0));
    EXPECT(0, trampfd_get_map(fd, &map));
    EXPECT(0, trampfd_map(fd, &address));
    EXPECT(EINVAL, trampfd_set_regs_at(fd, 1, regs, 2));
    EXPECT(0, trampfd_set_regs_at(fd, 1, regs, 1));
    TRUE(((long (*)(long))(address + map.stride))(2) == 3);
    TRUE(((long (*)(long))(address + map.stride))(20) == 1020);
    TRUE(trampfd_get_regs_at(fd, 1, seen, 2) == 1 && seen[0].value == (uintptr_t)handle);
    memset(&stack, 0, sizeof stack);
    EXPECT(EINVAL, trampfd_set_stack(fd, &stack));
    EXPECT(EINVAL, trampfd_get_stack(fd, &stack));
    EXPECT(EINVAL, trampfd_set_allowed_callers(fd, pcs, 2));
    EXPECT(0, trampfd_set_allowed_pcs_at(fd, 1, pcs, 2));
    EXPECT(EINVAL, trampfd_set_regs_at(fd, 1, regs, 1));
    TRUE(((long (*)(long))(address + map.stride))(2) == 3);
    EXPECT(0, trampfd_unmap(fd, address));
    close(fd);
}

static long map_it(int fd, const struct trampfd_map *map, size_t size, uint32_t prot, int flags, off_t more)
{
    const off_t offset = TRAMPFD_OFFSET_BASE + (off_t)map->offset_page * page + more;
    return (long)mmap(NULL, size, (int)prot, flags, fd, offset);
}

static void mappings(void)
{
    struct trampfd_map map;
    uintptr_t address;
    int fd = make_user(0, 1), pair[2];
    char byte;
    EXPECT(0, trampfd_get_map(fd, &map));
    EXPECT(0, map_it(fd, &map, map.size, map.prot, MAP_SHARED, 0));
    EXPECT(0, map_it(fd, &map, map.size, map.prot, MAP_SHARED | MAP_POPULATE, 0));
    EXPECT(EINVAL, map_it(fd, &map, map.size, map.prot, MAP_PRIVATE, 0));
    EXPECT(EINVAL, map_it(fd, &map, map.size, PROT_READ | PROT_WRITE, MAP_SHARED, 0));
    EXPECT(EINVAL, map_it(fd, &map, map.size, map.prot | PROT_WRITE, MAP_SHARED, 0));
    EXPECT(EINVAL, map_it(fd, &map, map.size + page, map.prot, MAP_SHARED, 0));
    EXPECT(EINVAL, map_it(fd, &map, map.size, map.prot, MAP_SHARED, (off_t)map.size));

    /* A mapping outlives its fd, and duplicates refer to the same object. */
    struct trampfd_reg regs[] = {reg(TRAMPFD_REG_PC, (uintptr_t)add), reg(TRAMPFD_REG_ARG1, 1)};
    int copy = dup(fd);
    EXPECT(0, trampfd_map(fd, &address));
    close(fd);
    EXPECT(0, trampfd_set_regs(copy, regs, 2));
    close(copy);
    TRUE(((long (*)(long))address)(2) == 3);

    /* The kernel handles all other calls. */
    TRUE(pipe(pair) == 0);
    EXPECT(ESPIPE, get(pair[0], &byte, 1, TRAMPFD_REGS_OFFSET));
    EXPECT(EBADF, get(-1, &byte, 1, TRAMPFD_REGS_OFFSET));
}

int main(void)
{
    char *pages = (char *)mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unreadable = pages + page;
    read_only = pages + 2 * page;
    if (mprotect(unreadable, page, PROT_NONE) != 0 || mprotect(read_only, page, PROT_READ) != 0)
        return 1;
    objects();
    registers();
    stacks_and_callers();
    tables_and_code();
    handlers();
    mappings();
    return conclude();
}
