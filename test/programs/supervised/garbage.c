/*
 * Random values in every argument of every call: `garbage calls seed`. This is a second implementation of the rules of
 * trampfd_create(2); the first result that differs from it ends the program.
 */
#include <fcntl.h>
#include "check.h"

enum { objects = 12, others = 4, page_size = 4096 };

struct object {
    int fd, type;
    uint32_t flags, count;
    struct trampfd_map map;
    uint64_t pcs[2][16]; /* allowed PCs of the first and the last instance; others are not tracked */
    uint32_t npcs[2];
};

static struct object made[objects];
static int strange[others]; /* fds of other files */
static unsigned char *page; /* followed by unmapped memory */
static uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)((next() >> 33) % n);
}

static int one_in(uint32_t n)
{
    return below(n) == 0;
}

/* Numbers that are often invalid. */
static uint64_t odd(void)
{
    static const uint64_t list[] = {0, 1, 2, 7, 8, 23, 39, 40, 41, 64, 65, 256, 257, 65535, 65536, 65537,
                                    INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX};
    return one_in(3) ? next() : list[below(20)];
}

static int any_register(uint32_t name)
{
    return name >= 8 && name <= 23;
}

static int loadable(uint32_t name)
{
    return any_register(name) && name != TRAMPFD_REG_PC;
}

/* Accessible and inaccessible memory. */
static int reachable(const unsigned char *at, size_t length)
{
    return at >= page && at <= page + page_size && length <= (size_t)(page + page_size - at);
}

static unsigned char *any_pointer(size_t length)
{
    if (one_in(12))
        return (unsigned char *)odd();
    if (one_in(12))
        return page + page_size - below(64);
    return length < page_size ? page + (page_size - length) : page;
}

/* Index among the tracked instances; -1 for others. */
static int known(const struct object *o, uint32_t instance)
{
    return instance == 0 ? 0 : instance == o->count - 1 ? 1 : -1;
}

static uint32_t word(const unsigned char *bytes, size_t at)
{
    uint32_t value;
    memcpy(&value, bytes + at, sizeof value);
    return value;
}

static uint64_t wide(const unsigned char *bytes, size_t at)
{
    uint64_t value;
    memcpy(&value, bytes + at, sizeof value);
    return value;
}

static int create_error(int type, const unsigned char *data, uint32_t flags)
{
    static const size_t size[] = {8, 32, 184, 8};
    if (type < 0 || type > 3 || flags != 0 || data == NULL)
        return EINVAL;
    if (!reachable(data, size[type]))
        return EFAULT;
    if (word(data, 4) > TRAMPFD_MAX_COUNT || word(data, 0) > (type == TRAMPFD_USER ? 1 : 0))
        return EINVAL;
    if (type == TRAMPFD_USER || type == TRAMPFD_HANDLER)
        return 0;
    if (type == TRAMPFD_TABLE) {
        uint32_t code = word(data, 8), with = word(data, 12);
        return !loadable(code) || !loadable(with) || code == with || wide(data, 16) == 0 || wide(data, 24) == 0
                   ? EINVAL
                   : 0;
    }
    uint32_t n = word(data, 8);
    if (n > 40 || word(data, 12) > 64 || word(data, 16) > 256 || word(data, 20) > 1)
        return EINVAL;
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t name = word(data, 24 + 4 * i);
        if (i >= n ? name != 0 : !loadable(name) || (i > 0 && name <= word(data, 20 + 4 * i)))
            return EINVAL;
    }
    return 0;
}

/* The header, maximum and element sizes of a context. */
static const size_t head[] = {24, 8, 16, 8, 8}, longest[] = {24, 648, 80, 136, 136}, element[] = {0, 16, 1, 8, 8};

static int has_context(const struct object *o, uint32_t context)
{
    if (o->type == TRAMPFD_HANDLER)
        return context == 1 || context == 3;
    return o->type == TRAMPFD_USER && (context < 4 || o->flags != 0);
}

/* The expected error of reading or writing with valid memory; 0 if the kernel executes the call. */
static int place_error(const struct object *o, int64_t offset, size_t length, int writing)
{
    uint32_t context = offset & 255, instance = (uint32_t)offset >> 8;
    if (instance >= o->count || context > 4)
        return EINVAL;
    if (context == 0)
        return writing || length != 24 ? EINVAL : 0;
    if (!has_context(o, context))
        return EINVAL;
    return length < head[context] || length > longest[context] ? EINVAL : 0;
}

static int write_error(struct object *o, int64_t offset, const unsigned char *from, size_t length)
{
    uint32_t context = offset & 255, instance = (uint32_t)offset >> 8;
    if (from == NULL)
        return EINVAL;
    int error = place_error(o, offset, length, 1);
    if (error != 0)
        return error;
    if (!reachable(from, length))
        return EFAULT;
    uint32_t count = word(from, context == 2 ? 8 : 0), most = context == 1 ? 40 : context == 2 ? 64 : 16;
    if (word(from, context == 2 ? 12 : 4) != 0 || count > most || length != head[context] + count * element[context])
        return EINVAL;
    if (context == 2)
        return word(from, 0) > 1 || word(from, 4) > 256 ? EINVAL : 0;
    uint64_t pc = 0;
    int sets_more = 0;
    for (uint32_t i = 0; i < count; i++) {
        size_t at = head[context] + i * element[context];
        if (context == 1) {
            if (!any_register(word(from, at)) || word(from, at + 4) != 0)
                return EINVAL;
            if (word(from, at) == TRAMPFD_REG_PC)
                pc = wide(from, at + 8);
            sets_more |= word(from, at) != TRAMPFD_REG_PC;
        } else if (context == 3 && wide(from, at) == 0) {
            return EINVAL;
        } else if (context == 4 && (count % 2 != 0 || (i % 2 != 0 && wide(from, at - 8) >= wide(from, at)))) {
            return EINVAL;
        }
    }
    int which = known(o, instance);
    if (context == 1 && count > 0) {
        if (pc == 0 || (sets_more && o->type == TRAMPFD_HANDLER))
            return EINVAL;
        int allowed = o->npcs[which] == 0;
        for (uint32_t i = 0; i < o->npcs[which]; i++)
            allowed |= o->pcs[which][i] == pc;
        return allowed ? 0 : EINVAL;
    }
    if (context == 3) {
        o->npcs[which] = count;
        memcpy(o->pcs[which], from + 8, 8 * count);
    }
    return 0;
}

static void expect(const char *call, long result, int error)
{
    if (error != 0 ? result == -1 && errno == error : result >= 0)
        return;
    printf("%s: %ld, %s; the rules say %s\n", call, result, strerror(errno), strerror(error));
    exit(1);
}

static void put(unsigned char *to, size_t at, uint32_t value)
{
    if (reachable(to + at, 4))
        memcpy(to + at, &value, 4);
}

/* A well-formed value, occasionally with one error. */
static void fill(unsigned char *to, int context, size_t length)
{
    if (!reachable(to, length))
        return;
    memset(to, 0, length);
    uint32_t n = length < head[context] ? 0 : (uint32_t)((length - head[context]) / element[context]);
    put(to, context == 2 ? 8 : 0, n);
    if (context == 2 && length >= 8) {
        put(to, 0, below(2));
        put(to, 4, below(257));
    }
    for (uint32_t i = 0; i < n && context != 2; i++) {
        size_t at = head[context] + i * element[context];
        if (context == 1) {
            put(to, at, i == 0 ? TRAMPFD_REG_PC : 8 + below(16));
            put(to, at + 8, 1 + below(4));
        } else {
            put(to, at, context == 3 ? 1 + below(4) : i * 10 + 1);
        }
    }
    if (one_in(4) && length >= 4)
        put(to, below((uint32_t)length / 4) * 4, (uint32_t)odd());
}

static void create(void)
{
    struct object *o = &made[below(objects)];
    int type = one_in(8) ? (int)odd() : (int)below(4), is_short = type == TRAMPFD_USER || type == TRAMPFD_HANDLER;
    uint32_t flags = one_in(20) ? (uint32_t)odd() : 0;
    unsigned char *data = any_pointer(is_short ? 8 : type == 1 ? 32 : 184);
    if (reachable(data, 184) || (type != 2 && reachable(data, 32)) || (is_short && reachable(data, 8))) {
        memset(data, 0, (size_t)(page + page_size - data));
        put(data, 0, type == 0 && one_in(8) ? TRAMPFD_SLOW : 0);
        put(data, 4, below(4));
        put(data, 8, type == 1 ? 8 + below(17) : below(3));
        put(data, 12, type == 1 ? 7 + below(17) : below(65));
        put(data, 16, 1);
        put(data, 24, 9);
        put(data, 28, below(16));
        if (one_in(3))
            put(data, below(is_short ? 2 : type == 1 ? 8 : 46) * 4, (uint32_t)odd());
    }
    int error = create_error(type, data, flags);
    /* A large object takes as long as a thousand small ones. */
    if (error == 0 && word(data, 4) > 64)
        put(data, 4, 64);
    int fd = trampfd_create(type, data, flags);
    expect("trampfd_create", fd, error);
    if (error != 0)
        return;
    close(o->fd);
    *o = (struct object){.fd = fd, .type = type, .flags = word(data, 0), .count = word(data, 4) ? word(data, 4) : 1};
    CHECK(trampfd_get_map(fd, &o->map) == 0);
}

static void transfer(int writing)
{
    struct object *o = &made[below(objects)];
    int context = (int)below(5);
    size_t length = one_in(6) ? (size_t)odd() : head[context] + below(6) * element[context];
    unsigned char *at = any_pointer(length);
    uint32_t instance = one_in(6) ? (uint32_t)odd() & 0xffffff : one_in(2) ? 0 : o->count - 1;
    /* The allowed PCs of other instances are not tracked. */
    if (known(o, instance) < 0 && instance < o->count)
        instance = 0;
    int64_t offset = TRAMPFD_AT(TRAMPFD_OFFSET_BASE + (one_in(10) ? (int)below(256) : context), instance);
    if (one_in(30)) { /* the kernel executes it, with any result */
        int fd = one_in(2) ? strange[below(others)] : (int)odd();
        for (int i = 0; i < objects; i++)
            if (fd == made[i].fd)
                return;
        if (fd > 2)
            writing ? pwrite(fd, at, length, offset) : pread(fd, at, length, offset);
        return;
    }
    if (writing) {
        fill(at, offset & 255 ? (int)(offset & 255) % 5 ? (int)(offset & 255) % 5 : 1 : 1, length < page_size ? length : 0);
        int error = write_error(o, offset, at, length);
        expect("pwrite", syscall(SYS_pwrite64, o->fd, at, length, offset), error);
    } else {
        int error = at == NULL || length == 0 ? EINVAL : place_error(o, offset, length, 0);
        long got = syscall(SYS_pread64, o->fd, at, length, offset);
        /* Only the actual bytes are stored: memory may end after them. */
        if (error == 0 && !reachable(at, length) && (got >= 0 || errno == EFAULT))
            return;
        expect("pread", got, error);
    }
}

static void mapping(void)
{
    struct object *o = &made[below(objects)];
    const struct trampfd_map *m = &o->map;
    size_t length = one_in(4) ? (size_t)odd() : m->size;
    int prot = one_in(4) ? (int)odd() : (int)m->prot;
    int flags = one_in(4) ? (int)(odd() & 0xf) : (int)m->flags;
    int64_t offset = TRAMPFD_OFFSET_BASE + (one_in(4) ? (int64_t)(odd() & 0xffffffff) : 0);
    int right = length == m->size && prot == (int)m->prot && (flags & 1) && offset == TRAMPFD_OFFSET_BASE;
    long address = syscall(SYS_mmap, 0, length, prot, flags, o->fd, offset);
    if (right && address == -1 && (flags & 0xf) != MAP_SHARED)
        return; /* the kernel checks other bits of the type */
    if (!right) {
        expect("mmap", address, EINVAL);
    } else {
        CHECK(address != -1);
        munmap((void *)address, length);
    }
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    state = strtoull(argv[2], NULL, 10) | (1ull << 40);
    page = mmap(NULL, 3 * page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page += page_size;
    CHECK(mprotect(page, page_size, PROT_READ | PROT_WRITE) == 0);
    strange[0] = open("/dev/null", O_RDWR);
    strange[1] = open("/", O_RDONLY);
    CHECK(pipe(strange + 2) == 0);
    for (int i = 0; i < objects; i++) {
        made[i] = (struct object){.fd = make(i == 0 ? TRAMPFD_SLOW : 0, 1 + (uint32_t)i % 3), .count = 1 + (uint32_t)i % 3};
        made[i].flags = i == 0;
        CHECK(trampfd_get_map(made[i].fd, &made[i].map) == 0);
    }
    setlinebuf(stdout);
    for (long left = atol(argv[1]); left > 0; left--) {
        if (left % 25000 == 0) {
            puts("more");
            getchar();
        }
        switch (below(8)) {
        case 0: create(); break;
        case 1: mapping(); break;
        case 2: case 3: transfer(0); break;
        default: transfer(1);
        }
    }
    return success();
}
