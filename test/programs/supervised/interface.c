/* Every argument of every call: invalid values fail with the right error and change nothing. */
#include <fcntl.h>
#include <sys/resource.h>
#include "check.h"

static uint64_t same(uint64_t value)
{
    return value;
}

#define PC (uintptr_t)same
static const uintptr_t nowhere = 0x1000;
static volatile size_t endless = SIZE_MAX; /* hidden from the compiler, which would warn */

struct attempt {
    int64_t offset;
    size_t length;
    uint32_t words[16];
    int error; /* 0: success */
};

/* clang-format off */
static const struct attempt writes[] = {
    {TRAMPFD_MAP_OFFSET, 24, {0}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 0, {0}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 7, {0}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 8, {0}, 0},
    {TRAMPFD_REGS_OFFSET, 8, {0, 1}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 8, {1}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 24, {0}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 24, {1, 0, TRAMPFD_REG_PC, 0, 1}, 0},
    {TRAMPFD_REGS_OFFSET, 23, {1, 0, TRAMPFD_REG_PC, 0, 1}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 25, {1, 0, TRAMPFD_REG_PC, 0, 1}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 24, {1, 1, TRAMPFD_REG_PC, 0, 1}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 24, {1, 0, TRAMPFD_REG_PC, 1, 1}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 24, {1, 0, TRAMPFD_REG_PC, 0, 0}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 24, {1, 0, TRAMPFD_REG_ARG0, 0, 1}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 24, {1, 0, 7, 0, 1}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 24, {1, 0, TRAMPFD_REG_PC + 100, 0, 1}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 24, {0xffffffff, 0, TRAMPFD_REG_PC, 0, 1}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 24, {0x10000001, 0, TRAMPFD_REG_PC, 0, 1}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 40, {2, 0, TRAMPFD_REG_PC, 0, 1, 0, TRAMPFD_REG_PC, 0, 0, 0}, EINVAL},
    {TRAMPFD_REGS_OFFSET, 40, {2, 0, TRAMPFD_REG_PC, 0, 0, 0, TRAMPFD_REG_PC, 0, 1, 0}, 0},
    {TRAMPFD_STACK_OFFSET, 15, {0}, EINVAL},
    {TRAMPFD_STACK_OFFSET, 16, {0}, 0},
    {TRAMPFD_STACK_OFFSET, 16, {2}, EINVAL},
    {TRAMPFD_STACK_OFFSET, 16, {0, 257}, EINVAL},
    {TRAMPFD_STACK_OFFSET, 16, {0, 0, 1}, EINVAL},
    {TRAMPFD_STACK_OFFSET, 16, {0, 0, 0, 1}, EINVAL},
    {TRAMPFD_STACK_OFFSET, 24, {TRAMPFD_SET_SP, 256, 8}, 0},
    {TRAMPFD_STACK_OFFSET, 24, {TRAMPFD_SET_SP, 257, 8}, EINVAL},
    {TRAMPFD_STACK_OFFSET, 24, {2, 0, 8}, EINVAL},
    {TRAMPFD_STACK_OFFSET, 24, {0, 0, 7}, EINVAL},
    {TRAMPFD_STACK_OFFSET, 24, {0, 0, 9}, EINVAL},
    {TRAMPFD_STACK_OFFSET, 24, {0, 0, 65}, EINVAL},
    {TRAMPFD_ALLOWED_PCS_OFFSET, 8, {0}, 0},
    {TRAMPFD_ALLOWED_PCS_OFFSET, 8, {0, 1}, EINVAL},
    {TRAMPFD_ALLOWED_PCS_OFFSET, 8, {1}, EINVAL},
    {TRAMPFD_ALLOWED_PCS_OFFSET, 16, {1, 0, 1}, 0},
    {TRAMPFD_ALLOWED_PCS_OFFSET, 16, {1, 0, 0}, EINVAL},
    {TRAMPFD_ALLOWED_PCS_OFFSET, 16, {1, 1, 1}, EINVAL},
    {TRAMPFD_ALLOWED_PCS_OFFSET, 16, {2, 0, 1}, EINVAL},
    {TRAMPFD_REGS_OFFSET + 5, 8, {0}, EINVAL},
    {TRAMPFD_REGS_OFFSET + 254, 8, {0}, EINVAL},
};
/* clang-format on */

static const struct attempt callers[] = {
    {TRAMPFD_ALLOWED_CALLERS_OFFSET, 24, {2, 0, 1, 0, 2, 0}, 0},
    {TRAMPFD_ALLOWED_CALLERS_OFFSET, 24, {2, 0, 2, 0, 2, 0}, EINVAL},
    {TRAMPFD_ALLOWED_CALLERS_OFFSET, 16, {1, 0, 1, 0}, EINVAL},
    {TRAMPFD_ALLOWED_CALLERS_OFFSET, 24, {2, 1, 1, 0, 2, 0}, EINVAL},
    {TRAMPFD_ALLOWED_CALLERS_OFFSET, 8, {0}, 0},
};

static void read_all(int fd, uint32_t instance, unsigned char *all)
{
    CHECK(pread(fd, all, 648, TRAMPFD_AT(TRAMPFD_REGS_OFFSET, instance)) == 648);
    CHECK(pread(fd, all + 648, 80, TRAMPFD_AT(TRAMPFD_STACK_OFFSET, instance)) == 80);
    CHECK(pread(fd, all + 728, 136, TRAMPFD_AT(TRAMPFD_ALLOWED_PCS_OFFSET, instance)) == 136);
}

static void attempts(int fd, const struct attempt *list, size_t count, int refusal)
{
    static unsigned char before[864], after[864];
    for (size_t i = 0; i < count; i++) {
        const struct attempt *it = &list[i];
        int error = refusal != 0 ? refusal : it->error;
        memset(before, 0, sizeof before);
        memset(after, 0, sizeof after);
        read_all(fd, 0, before);
        ssize_t done = pwrite(fd, it->words, it->length, it->offset);
        if (done != (error == 0 ? (ssize_t)it->length : -1) || (error != 0 && errno != error)) {
            printf("write %zu, %zu bytes: %zd, %s\n", i, it->length, done, strerror(errno));
            exit(1);
        }
        read_all(fd, 0, after);
        if (error != 0) {
            CHECK(memcmp(before, after, sizeof before) == 0);
        } else {
            unsigned char back[64];
            CHECK(pread(fd, back, it->length, it->offset) == (ssize_t)it->length);
            CHECK(memcmp(back, it->words, it->length) == 0);
            /* Removes the list, which would forbid later registers. */
            CHECK(it->offset != TRAMPFD_ALLOWED_PCS_OFFSET || trampfd_set_allowed_pcs(fd, NULL, 0) == 0);
        }
    }
}

static void creation(void)
{
    struct trampfd_user user = {0, 1};
    REFUSED(trampfd_create(-1, &user, 0), EINVAL);
    REFUSED(trampfd_create(4, &user, 0), EINVAL);
    REFUSED(trampfd_create(TRAMPFD_USER, &user, 1), EINVAL);
    REFUSED(trampfd_create(TRAMPFD_USER, NULL, 0), EINVAL);
    REFUSED(trampfd_create(TRAMPFD_USER, (void *)nowhere, 0), EFAULT);
    REFUSED(trampfd_create(TRAMPFD_USER, (void *)UINTPTR_MAX, 0), EFAULT);
    user.flags = 2;
    REFUSED(trampfd_create(TRAMPFD_USER, &user, 0), EINVAL);
    user.flags = 0;
    user.count = TRAMPFD_MAX_COUNT + 1;
    REFUSED(trampfd_create(TRAMPFD_USER, &user, 0), EINVAL);
    user.count = 0;
    CHECK(close(trampfd_create(TRAMPFD_USER, &user, 0)) == 0);

    const struct trampfd_table good = {0, 1, TRAMPFD_REG_ARG0, TRAMPFD_REG_ARG1, 8, 8};
    struct trampfd_table table = good;
    CHECK(close(trampfd_create(TRAMPFD_TABLE, &table, 0)) == 0);
    uint32_t *const fields[] = {&table.flags, &table.count, &table.code_reg, &table.data_reg, &table.code_reg,
                                &table.code_reg};
    const uint32_t wrong[] = {1, TRAMPFD_MAX_COUNT + 1, TRAMPFD_REG_PC, TRAMPFD_REG_PC, TRAMPFD_REG_ARG1, 7};
    for (int i = 0; i < 6; i++) {
        table = good;
        *fields[i] = wrong[i];
        REFUSED(trampfd_create(TRAMPFD_TABLE, &table, 0), EINVAL);
    }
    table = good;
    table.code_table = 0;
    REFUSED(trampfd_create(TRAMPFD_TABLE, &table, 0), EINVAL);
    table = good;
    table.data_table = 0;
    REFUSED(trampfd_create(TRAMPFD_TABLE, &table, 0), EINVAL);

    const struct trampfd_code plain = {0, 1, 2, 8, 0, 0, {TRAMPFD_REG_ARG2, TRAMPFD_REG_ARG1}};
    struct trampfd_code code = plain; /* RDX, RSI: ascending */
    CHECK(close(trampfd_create(TRAMPFD_CODE, &code, 0)) == 0);
    uint32_t *const members[] = {&code.flags, &code.count, &code.nregs, &code.nregs, &code.stack_size,
                                 &code.stack_offset, &code.stack_flags, &code.regs[0], &code.regs[1], &code.regs[2]};
    const uint32_t bad[] = {1, TRAMPFD_MAX_COUNT + 1, 40, 3, 65, 257, 2, TRAMPFD_REG_ARG1, TRAMPFD_REG_PC, 1};
    for (int i = 0; i < 10; i++) {
        code = plain;
        *members[i] = bad[i];
        REFUSED(trampfd_create(TRAMPFD_CODE, &code, 0), EINVAL);
    }
}

static void mapping(int fd)
{
    struct trampfd_map m;
    CHECK(trampfd_get_map(fd, &m) == 0 && m.ioffset == 0 && m.flags == MAP_SHARED);
    const off_t at = TRAMPFD_OFFSET_BASE + (off_t)m.offset_page * 4096;
    const int prot = (int)m.prot;
#define MAP(length, prot, flags, offset) (mmap(NULL, length, prot, flags, fd, offset) == MAP_FAILED ? -1 : 0)
    REFUSED(MAP(m.size - 4096, prot, MAP_SHARED, at), EINVAL);
    REFUSED(MAP(m.size + 4096, prot, MAP_SHARED, at), EINVAL);
    REFUSED(MAP(0, prot, MAP_SHARED, at), EINVAL);
    REFUSED(MAP(m.size, prot, MAP_SHARED, at + 4096), EINVAL);
    REFUSED(MAP(m.size, prot, MAP_PRIVATE, at), EINVAL);
    REFUSED(MAP(m.size, prot, 0, at), EINVAL);
    REFUSED(MAP(m.size, prot ^ PROT_READ, MAP_SHARED, at), EINVAL);
    REFUSED(MAP(m.size, prot | PROT_WRITE, MAP_SHARED, at), EINVAL);
    unsigned char buffer[25];
    REFUSED(pread(fd, buffer, 23, TRAMPFD_MAP_OFFSET), EINVAL);
    REFUSED(pread(fd, buffer, 25, TRAMPFD_MAP_OFFSET), EINVAL);
    REFUSED(pread(fd, (void *)nowhere, sizeof m, TRAMPFD_MAP_OFFSET), EFAULT);
}

static void transfer(int fd, uint32_t count)
{
    unsigned char buffer[1024];
    static const size_t least[] = {24, 8, 16, 8}, most[] = {24, 648, 80, 136};
    for (int context = 1; context < 4; context++) {
        const int64_t offset = TRAMPFD_OFFSET_BASE + context;
        CHECK(pread(fd, buffer, least[context], offset) == (ssize_t)least[context]);
        CHECK(pread(fd, buffer, most[context], offset) == (ssize_t)most[context]);
        REFUSED(pread(fd, buffer, least[context] - 1, offset), EINVAL);
        REFUSED(pread(fd, buffer, most[context] + 1, offset), EINVAL);
        REFUSED(pread(fd, (void *)nowhere, least[context], offset), EFAULT);
        REFUSED(pwrite(fd, (void *)nowhere, least[context], offset), EFAULT);
        REFUSED(pread(fd, NULL, least[context], offset), EINVAL);
        REFUSED(pwrite(fd, buffer, endless, offset), EINVAL);
        REFUSED(pread(fd, buffer, most[context], TRAMPFD_AT(offset, count)), EINVAL);
        REFUSED(pread(fd, buffer, most[context], TRAMPFD_AT(offset, 0xffffff)), EINVAL);
    }
}

static void allowed(int fd)
{
    const uint64_t pcs[] = {PC, PC + 1};
    struct trampfd_reg regs[TRAMPFD_MAX_REGS] = {{TRAMPFD_REG_PC, 0, PC}};
    CHECK(trampfd_set_allowed_pcs(fd, pcs, 2) == 0);
    CHECK(trampfd_set_regs(fd, regs, 1) == 0);
    regs[0].value = PC + 2;
    REFUSED(trampfd_set_regs(fd, regs, 1), EINVAL);
    CHECK(trampfd_set_regs(fd, NULL, 0) == 0);
    CHECK(trampfd_set_allowed_pcs(fd, NULL, 0) == 0);
    CHECK(trampfd_set_regs(fd, regs, 1) == 0);
    /* Registers that are already set are not checked again. */
    CHECK(trampfd_set_allowed_pcs(fd, pcs, 2) == 0);
    CHECK(trampfd_get_regs(fd, regs, 1) == 1 && regs[0].value == PC + 2);

    /* The longest lists read back as written, including repeated names. */
    for (int i = 0; i < TRAMPFD_MAX_REGS; i++)
        regs[i] = (struct trampfd_reg){i == 39 ? TRAMPFD_REG_PC : TRAMPFD_REG_ARG0, 0, i == 39 ? PC : (uint64_t)i};
    struct trampfd_reg back[TRAMPFD_MAX_REGS];
    CHECK(trampfd_set_regs(fd, regs, 40) == 0 && trampfd_get_regs(fd, back, 40) == 40);
    CHECK(memcmp(regs, back, sizeof regs) == 0);
    uint64_t many[TRAMPFD_MAX_PCS], got[TRAMPFD_MAX_PCS];
    for (int i = 0; i < TRAMPFD_MAX_PCS; i++)
        many[i] = PC + (uint64_t)i;
    CHECK(trampfd_set_allowed_pcs(fd, many, 16) == 0 && trampfd_get_allowed_pcs(fd, got, 16) == 16);
    CHECK(memcmp(many, got, sizeof many) == 0);
    CHECK(call(map(fd)) == 38);
}

int main(void)
{
    creation();
    for (uint32_t slow = 0; slow <= TRAMPFD_SLOW; slow++) {
        int fd = make(slow, 3);
        CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
        transfer(fd, 3);
        attempts(fd, writes, sizeof writes / sizeof *writes, 0);
        attempts(fd, callers, sizeof callers / sizeof *callers, slow ? 0 : EINVAL);
        mapping(fd);
        CHECK(trampfd_set_stack(fd, &(struct trampfd_stack){0}) == 0);
        allowed(fd);
        close(fd);
    }

    /* Tables and code have no contexts but the map. */
    const struct trampfd_table table = {0, 1, TRAMPFD_REG_ARG0, TRAMPFD_REG_ARG1, 8, 8};
    int fd = trampfd_create(TRAMPFD_TABLE, &table, 0);
    unsigned char buffer[648];
    for (int context = 1; context < 6; context++) {
        REFUSED(pread(fd, buffer, 8, TRAMPFD_OFFSET_BASE + context), EINVAL);
        REFUSED(pwrite(fd, buffer, 8, TRAMPFD_OFFSET_BASE + context), EINVAL);
    }
    mapping(fd);

    /* The program's own RLIMIT_NOFILE applies. */
    struct rlimit files, none;
    CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0);
    none = (struct rlimit){0, files.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    REFUSED(trampfd_create(TRAMPFD_TABLE, &table, 0), EMFILE);
    CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);

    /* The kernel handles other fds. */
    REFUSED(pread(-1, buffer, 8, TRAMPFD_REGS_OFFSET), EBADF);
    REFUSED(pread(1000, buffer, 8, TRAMPFD_REGS_OFFSET), EBADF);
    int null = open("/dev/zero", O_RDWR);
    CHECK(pread(null, buffer, 8, TRAMPFD_REGS_OFFSET) == 8);
    CHECK(pwrite(null, buffer, 8, TRAMPFD_REGS_OFFSET) == 8);
    struct trampfd_regs context;
    REFUSED(trampfd_get_regs(open("/dev/null", O_RDONLY), context.regs, 1), EINVAL);
    return success();
}
