/*
 * trampfd.h - trampolines that a program's own memory errors cannot reach
 *
 * A trampoline loads registers, may write data below the stack pointer, and jumps. Here it is an object
 * that a descriptor refers to. A program makes the object, writes its contexts, maps it, and calls the
 * address. It can never write the code, nor the contexts except by these calls.
 *
 *     struct trampfd_user user = {0};
 *     struct trampfd_reg regs[] = {
 *         {.name = TRAMPFD_REG_ARG2, .value = size},
 *         {.name = TRAMPFD_REG_PC, .value = (uintptr_t)memcmp},
 *     };
 *     uintptr_t address;
 *     int fd = trampfd_create(TRAMPFD_USER, &user, 0);
 *     if (fd < 0 || trampfd_set_regs(fd, regs, 2) != 0 || trampfd_map(fd, &address) != 0)
 *         return -1;
 *     qsort(array, count, size, (int (*)(const void *, const void *))address);
 *
 * A supervisor (`trampfd run -- program`) implements the calls in place of the kernel. Without one there are no
 * objects: see trampfd_supported(). trampfd_create(2) is the full documentation.
 *
 * C99 and C++, for programs of 64 bits. All integers in the structures are little-endian.
 */
#ifndef TRAMPFD_H
#define TRAMPFD_H

#if !defined(__LP64__) || !(defined(__x86_64__) || defined(__AARCH64EL__))
#error "trampfd.h is for 64-bit programs on x86-64 or little-endian arm64"
#endif

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The symbolic offsets below need all of 63 bits. */
typedef char trampfd_needs_an_off_t_of_64_bits[sizeof(off_t) == 8 ? 1 : -1];

#ifndef _DEFAULT_SOURCE
/* <unistd.h> does not declare it if only the C standard is requested. */
long syscall(long number, ...);
#endif

/* ---- Creating an object ---- */

#ifndef __NR_trampfd_create
#define __NR_trampfd_create 4400
#endif

/* Types of objects, each with the structure that trampfd_create takes. */
#define TRAMPFD_USER 0    /* struct trampfd_user: loads registers, writes stack data, jumps */
#define TRAMPFD_TABLE 1   /* struct trampfd_table: two registers from two arrays of the program */
#define TRAMPFD_CODE 2    /* struct trampfd_code: code alone; the data is the program's */
#define TRAMPFD_HANDLER 3 /* struct trampfd_handler: saves all registers, calls a function with them */

/* A flag of TRAMPFD_USER: no code. An invocation faults, and the supervisor checks and performs it. */
#define TRAMPFD_SLOW 1

#define TRAMPFD_MAX_COUNT 65536      /* instances in one object */
#define TRAMPFD_MAX_REGS 40          /* registers in a context, the PC and repeated names included */
#define TRAMPFD_MAX_STACK_DATA 64    /* bytes */
#define TRAMPFD_MAX_STACK_OFFSET 256 /* bytes */
#define TRAMPFD_MAX_PCS 16           /* allowed PCs */
#define TRAMPFD_MAX_CALLERS 8        /* ranges of allowed callers, of two values each */

struct trampfd_user {
    uint32_t flags; /* 0 or TRAMPFD_SLOW */
    uint32_t count; /* instances; 0 means 1 */
};

/* Instance i sets code_reg to code_table[i] and data_reg to data_table[i], and jumps to the former. */
struct trampfd_table {
    uint32_t flags; /* 0 */
    uint32_t count;
    uint32_t code_reg; /* neither is the PC, and they differ */
    uint32_t data_reg;
    uint64_t code_table; /* addresses of arrays of uint64_t, which are read at each invocation */
    uint64_t data_table;
};

/* Instance i takes all values from slot i, in the program's own memory immediately after the mapping. */
struct trampfd_code {
    uint32_t flags; /* 0 */
    uint32_t count;
    uint32_t nregs;                  /* of regs: without the PC, which every slot begins with */
    uint32_t stack_size;             /* bytes of stack data, or 0 */
    uint32_t stack_offset;           /* as in struct trampfd_stack */
    uint32_t stack_flags;            /* as in struct trampfd_stack */
    uint32_t regs[TRAMPFD_MAX_REGS]; /* ascending; those after nregs are 0 */
};

/*
 * Instance i calls the function that its PC names: void handler(struct trampfd_saved *saved, void *trampoline).
 * When that returns, the trampoline returns with the registers in `saved`. Its only contexts are registers, of
 * which only the PC may be set, and allowed PCs.
 */
struct trampfd_handler {
    uint32_t flags; /* 0 */
    uint32_t count;
};

/* ---- Contexts ---- */

/*
 * A context is read by pread and written by pwrite, at one of these offsets; each instance of an object has its
 * own contexts. A supervisor distinguishes such calls from other input and output by the offset's upper half.
 */
#define TRAMPFD_OFFSET_BASE INT64_C(0x74726d7000000000)
#define TRAMPFD_MAP_OFFSET (TRAMPFD_OFFSET_BASE + 0)             /* struct trampfd_map, read only */
#define TRAMPFD_REGS_OFFSET (TRAMPFD_OFFSET_BASE + 1)            /* struct trampfd_regs */
#define TRAMPFD_STACK_OFFSET (TRAMPFD_OFFSET_BASE + 2)           /* struct trampfd_stack */
#define TRAMPFD_ALLOWED_PCS_OFFSET (TRAMPFD_OFFSET_BASE + 3)     /* struct trampfd_values */
#define TRAMPFD_ALLOWED_CALLERS_OFFSET (TRAMPFD_OFFSET_BASE + 4) /* struct trampfd_values, of slow objects */

/* The offset of the same context of another instance: TRAMPFD_AT(TRAMPFD_REGS_OFFSET, 3). */
#define TRAMPFD_AT(offset, instance) ((offset) + ((int64_t)(instance) << 8))

/*
 * How to map an object: mmap(NULL, size, prot, flags, fd, TRAMPFD_OFFSET_BASE + offset_page * 4096).
 * Instance i is called at the mapping's address + ioffset + i * stride.
 */
struct trampfd_map {
    uint32_t size;
    uint32_t prot;
    uint32_t flags;
    uint32_t offset_page;
    uint32_t ioffset;
    uint32_t stride;
};

struct trampfd_reg {
    uint32_t name; /* TRAMPFD_REG_… */
    uint32_t reserved;
    uint64_t value;
};

/*
 * The arrays of the following structures have their greatest length, so that each can be a variable. What is
 * written must be exactly as long as it has elements: TRAMPFD_REGS_SIZE(nregs) and so on.
 */
struct trampfd_regs {
    uint32_t nregs;
    uint32_t reserved;
    struct trampfd_reg regs[TRAMPFD_MAX_REGS]; /* one of them the PC; the last of a repeated name counts */
};

/* A flag of struct trampfd_stack: the stack pointer moves to the data. */
#define TRAMPFD_SET_SP 1

struct trampfd_stack {
    uint32_t flags;  /* 0 or TRAMPFD_SET_SP */
    uint32_t offset; /* bytes between the stack pointer and the end of the data */
    uint32_t size;   /* bytes of data */
    uint32_t reserved;
    uint8_t data[TRAMPFD_MAX_STACK_DATA];
};

struct trampfd_values {
    uint32_t nvalues;
    uint32_t reserved;
    uint64_t values[TRAMPFD_MAX_PCS]; /* callers: 2 per range, the first address and the end */
};

#define TRAMPFD_REGS_SIZE(nregs) (offsetof(struct trampfd_regs, regs) + (nregs) * sizeof(struct trampfd_reg))
#define TRAMPFD_STACK_SIZE(size) (offsetof(struct trampfd_stack, data) + (size))
#define TRAMPFD_VALUES_SIZE(nvalues) (offsetof(struct trampfd_values, values) + (nvalues) * sizeof(uint64_t))

/* ---- Registers ---- */

/* 0 to 7 are registers of 32-bit programs, which no context can set. */
enum trampfd_x64_register {
    TRAMPFD_X64_RAX = 8,
    TRAMPFD_X64_RBX,
    TRAMPFD_X64_RCX,
    TRAMPFD_X64_RDX,
    TRAMPFD_X64_RSI,
    TRAMPFD_X64_RDI,
    TRAMPFD_X64_RBP,
    TRAMPFD_X64_R8,
    TRAMPFD_X64_R9,
    TRAMPFD_X64_R10,
    TRAMPFD_X64_R11,
    TRAMPFD_X64_R12,
    TRAMPFD_X64_R13,
    TRAMPFD_X64_R14,
    TRAMPFD_X64_R15,
    TRAMPFD_X64_RIP /* 23 */
};

/* 0 to 12 are registers of 32-bit programs. A fast object cannot set both X16 and X17: one jumps. */
enum trampfd_arm64_register {
    TRAMPFD_ARM64_X0 = 13,
    TRAMPFD_ARM64_X1,
    TRAMPFD_ARM64_X2,
    TRAMPFD_ARM64_X3,
    TRAMPFD_ARM64_X4,
    TRAMPFD_ARM64_X5,
    TRAMPFD_ARM64_X6,
    TRAMPFD_ARM64_X7,
    TRAMPFD_ARM64_X8,
    TRAMPFD_ARM64_X9,
    TRAMPFD_ARM64_X10,
    TRAMPFD_ARM64_X11,
    TRAMPFD_ARM64_X12,
    TRAMPFD_ARM64_X13,
    TRAMPFD_ARM64_X14,
    TRAMPFD_ARM64_X15,
    TRAMPFD_ARM64_X16,
    TRAMPFD_ARM64_X17,
    TRAMPFD_ARM64_X18,
    TRAMPFD_ARM64_X19,
    TRAMPFD_ARM64_X20,
    TRAMPFD_ARM64_X21,
    TRAMPFD_ARM64_X22,
    TRAMPFD_ARM64_X23,
    TRAMPFD_ARM64_X24,
    TRAMPFD_ARM64_X25,
    TRAMPFD_ARM64_X26,
    TRAMPFD_ARM64_X27,
    TRAMPFD_ARM64_X28,
    TRAMPFD_ARM64_PC /* 42 */
};

/*
 * The same for every architecture: the PC, the integer arguments of a function (psABI for x86-64, 3.2.3;
 * AAPCS64, parameter passing), and the static chain, in which GCC passes a nested function its outer frame.
 */
#if defined(__x86_64__)
#define TRAMPFD_REG_PC TRAMPFD_X64_RIP
#define TRAMPFD_REG_ARG0 TRAMPFD_X64_RDI
#define TRAMPFD_REG_ARG1 TRAMPFD_X64_RSI
#define TRAMPFD_REG_ARG2 TRAMPFD_X64_RDX
#define TRAMPFD_REG_ARG3 TRAMPFD_X64_RCX
#define TRAMPFD_REG_ARG4 TRAMPFD_X64_R8
#define TRAMPFD_REG_ARG5 TRAMPFD_X64_R9
#define TRAMPFD_REG_CHAIN TRAMPFD_X64_R10
#else
#define TRAMPFD_REG_PC TRAMPFD_ARM64_PC
#define TRAMPFD_REG_ARG0 TRAMPFD_ARM64_X0
#define TRAMPFD_REG_ARG1 TRAMPFD_ARM64_X1
#define TRAMPFD_REG_ARG2 TRAMPFD_ARM64_X2
#define TRAMPFD_REG_ARG3 TRAMPFD_ARM64_X3
#define TRAMPFD_REG_ARG4 TRAMPFD_ARM64_X4
#define TRAMPFD_REG_ARG5 TRAMPFD_ARM64_X5
#define TRAMPFD_REG_CHAIN TRAMPFD_ARM64_X18
#endif

/* ---- Registers of handlers ---- */

/*
 * The caller's registers after the trampoline returns: pc is the return address, sp the stack pointer then, where
 * arguments on the stack begin. A handler may change all of them. Registers that are not here are caller-saved, as
 * for any function: other vector registers, and the upper parts of these.
 */
#if defined(__x86_64__)
struct trampfd_saved {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t flags, pc, sp;
    uint8_t xmm[8][16]; /* at multiples of 16 */
};
#else
struct trampfd_saved {
    uint64_t x[31]; /* x[17] is the PC when the trampoline returns, which uses that register to jump */
    uint64_t pc, sp, flags;
    uint8_t q[8][16]; /* at multiples of 16 */
};
#endif

/* Returns the address of a register, by its name in contexts: *trampfd_saved_reg(saved, TRAMPFD_REG_ARG0). */
static inline uint64_t *trampfd_saved_reg(struct trampfd_saved *saved, uint32_t name)
{
#if defined(__x86_64__)
    const uint32_t first = TRAMPFD_X64_RAX;
#else
    const uint32_t first = TRAMPFD_ARM64_X0;
#endif
    return name == TRAMPFD_REG_PC ? &saved->pc : (uint64_t *)(void *)saved + (name - first);
}

/* Makes the trampoline return a value. */
static inline void trampfd_return(struct trampfd_saved *saved, uint64_t value)
{
#if defined(__x86_64__)
    saved->rax = value;
#else
    saved->x[0] = value;
#endif
}

/* Makes the trampoline jump to a function, which gets the caller's arguments and returns to the caller. */
static inline void trampfd_tail_call(struct trampfd_saved *saved, uintptr_t function)
{
#if defined(__x86_64__)
    saved->sp -= sizeof saved->pc;
    memcpy((void *)saved->sp, &saved->pc, sizeof saved->pc);
#endif
    saved->pc = function; /* on arm64, x[30] is its return address */
}

/* ---- Functions ---- */

/* The environment variable that a supervisor sets, and its value: the version of this interface. */
#define TRAMPFD_SUPERVISOR "TRAMPFD_SUPERVISOR"
#define TRAMPFD_VERSION "1"

/* Whether there is a supervisor. Reads the environment: a sandbox may kill a process for an unknown call. */
static inline int trampfd_supported(void)
{
    const char *version = getenv(TRAMPFD_SUPERVISOR);
    return version != NULL && strcmp(version, TRAMPFD_VERSION) == 0;
}

/*
 * Creates an object of a type, from that type's structure; flags is 0. Returns a close-on-exec descriptor.
 * This function and all that follow return -1 with errno set if they fail; ENOSYS: there is no supervisor.
 * A signal that arrives before the supervisor receives a call ends it with EINTR; these functions then retry.
 */
static inline int trampfd_create(int type, const void *data, unsigned int flags)
{
    long fd;
    if (!trampfd_supported()) {
        errno = ENOSYS;
        return -1;
    }
    do
        fd = syscall(__NR_trampfd_create, (long)type, data, (unsigned long)flags);
    while (fd < 0 && errno == EINTR);
    return (int)fd;
}

static inline int trampfd_invalid(void)
{
    errno = EINVAL;
    return -1;
}

/* Whether a supervisor handles calls at an offset. If the instance number is too large, it does not. */
static inline int trampfd_is_seen(int64_t offset)
{
    return offset >> 32 == TRAMPFD_OFFSET_BASE >> 32;
}

/* Reads a context. A file that is not an object is empty at these offsets, or too short. */
static inline int trampfd_read(int fd, void *to, size_t length, int64_t offset)
{
    long got;
    if (!trampfd_is_seen(offset))
        return trampfd_invalid();
    do
        got = syscall(SYS_pread64, (long)fd, to, length, offset);
    while (got < 0 && errno == EINTR);
    if (got >= 0 && got != (long)length)
        return trampfd_invalid();
    return got < 0 ? -1 : 0;
}

/* Writes a context of exactly `length` bytes. */
static inline int trampfd_write(int fd, const void *from, size_t length, int64_t offset)
{
    long put;
    if (!trampfd_is_seen(offset))
        return trampfd_invalid();
    do
        put = syscall(SYS_pwrite64, (long)fd, from, length, offset);
    while (put < 0 && errno == EINTR);
    return put < 0 ? -1 : 0;
}

/* Sets the registers of an instance; n = 0 removes them, and then an invocation traps. */
static inline int trampfd_set_regs_at(int fd, uint32_t instance, const struct trampfd_reg *regs, uint32_t n)
{
    struct trampfd_regs context;
    uint32_t i;
    if (n > TRAMPFD_MAX_REGS)
        return trampfd_invalid();
    context.nregs = n;
    context.reserved = 0;
    for (i = 0; i < n; i++)
        context.regs[i] = regs[i];
    return trampfd_write(fd, &context, TRAMPFD_REGS_SIZE(n), TRAMPFD_AT(TRAMPFD_REGS_OFFSET, instance));
}

/* Stores at most n of an instance's registers, as they were written, and returns how many it has. */
static inline int trampfd_get_regs_at(int fd, uint32_t instance, struct trampfd_reg *regs, uint32_t n)
{
    struct trampfd_regs context;
    uint32_t i;
    if (trampfd_read(fd, &context, sizeof context, TRAMPFD_AT(TRAMPFD_REGS_OFFSET, instance)) != 0)
        return -1;
    for (i = 0; i < n && i < context.nregs && i < TRAMPFD_MAX_REGS; i++)
        regs[i] = context.regs[i];
    return (int)context.nregs;
}

/* Sets the stack data of an instance; size 0 removes it. */
static inline int trampfd_set_stack_at(int fd, uint32_t instance, const struct trampfd_stack *stack)
{
    const int64_t offset = TRAMPFD_AT(TRAMPFD_STACK_OFFSET, instance);
    if (stack->size > TRAMPFD_MAX_STACK_DATA)
        return trampfd_invalid();
    return trampfd_write(fd, stack, TRAMPFD_STACK_SIZE(stack->size), offset);
}

/* Reads the stack data of an instance. */
static inline int trampfd_get_stack_at(int fd, uint32_t instance, struct trampfd_stack *stack)
{
    return trampfd_read(fd, stack, sizeof *stack, TRAMPFD_AT(TRAMPFD_STACK_OFFSET, instance));
}

/* Writes a list of addresses. */
static inline int trampfd_set_values(int fd, int64_t offset, const uint64_t *values, uint32_t n)
{
    struct trampfd_values context;
    uint32_t i;
    if (n > TRAMPFD_MAX_PCS)
        return trampfd_invalid();
    context.nvalues = n;
    context.reserved = 0;
    for (i = 0; i < n; i++)
        context.values[i] = values[i];
    return trampfd_write(fd, &context, TRAMPFD_VALUES_SIZE(n), offset);
}

/* Stores at most n of a list's addresses, and returns how many it has. */
static inline int trampfd_get_values(int fd, int64_t offset, uint64_t *values, uint32_t n)
{
    struct trampfd_values context;
    uint32_t i;
    if (trampfd_read(fd, &context, sizeof context, offset) != 0)
        return -1;
    for (i = 0; i < n && i < context.nvalues && i < TRAMPFD_MAX_PCS; i++)
        values[i] = context.values[i];
    return (int)context.nvalues;
}

/* Sets the PCs that registers may have from now on; n = 0 allows all. Registers already set are not checked. */
static inline int trampfd_set_allowed_pcs_at(int fd, uint32_t instance, const uint64_t *pcs, uint32_t n)
{
    return trampfd_set_values(fd, TRAMPFD_AT(TRAMPFD_ALLOWED_PCS_OFFSET, instance), pcs, n);
}

/* Stores at most n of the allowed PCs, and returns how many there are. */
static inline int trampfd_get_allowed_pcs_at(int fd, uint32_t instance, uint64_t *pcs, uint32_t n)
{
    return trampfd_get_values(fd, TRAMPFD_AT(TRAMPFD_ALLOWED_PCS_OFFSET, instance), pcs, n);
}

/*
 * Sets the callers that a slow object allows: n addresses, the first and the end of each range; n = 0 allows all.
 * To find mistakes, not to stop attacks: the program can write its return addresses.
 */
static inline int trampfd_set_allowed_callers_at(int fd, uint32_t instance, const uint64_t *list, uint32_t n)
{
    return trampfd_set_values(fd, TRAMPFD_AT(TRAMPFD_ALLOWED_CALLERS_OFFSET, instance), list, n);
}

/* Stores at most n of the addresses, and returns how many there are. */
static inline int trampfd_get_allowed_callers_at(int fd, uint32_t instance, uint64_t *list, uint32_t n)
{
    return trampfd_get_values(fd, TRAMPFD_AT(TRAMPFD_ALLOWED_CALLERS_OFFSET, instance), list, n);
}

/* The same for an object of one instance. */
static inline int trampfd_set_regs(int fd, const struct trampfd_reg *regs, uint32_t n)
{
    return trampfd_set_regs_at(fd, 0, regs, n);
}

static inline int trampfd_get_regs(int fd, struct trampfd_reg *regs, uint32_t n)
{
    return trampfd_get_regs_at(fd, 0, regs, n);
}

static inline int trampfd_set_stack(int fd, const struct trampfd_stack *stack)
{
    return trampfd_set_stack_at(fd, 0, stack);
}

static inline int trampfd_get_stack(int fd, struct trampfd_stack *stack)
{
    return trampfd_get_stack_at(fd, 0, stack);
}

static inline int trampfd_set_allowed_pcs(int fd, const uint64_t *pcs, uint32_t n)
{
    return trampfd_set_allowed_pcs_at(fd, 0, pcs, n);
}

static inline int trampfd_get_allowed_pcs(int fd, uint64_t *pcs, uint32_t n)
{
    return trampfd_get_allowed_pcs_at(fd, 0, pcs, n);
}

static inline int trampfd_set_allowed_callers(int fd, const uint64_t *list, uint32_t n)
{
    return trampfd_set_allowed_callers_at(fd, 0, list, n);
}

static inline int trampfd_get_allowed_callers(int fd, uint64_t *list, uint32_t n)
{
    return trampfd_get_allowed_callers_at(fd, 0, list, n);
}

/* Reads how to map an object. */
static inline int trampfd_get_map(int fd, struct trampfd_map *map)
{
    return trampfd_read(fd, map, sizeof *map, TRAMPFD_MAP_OFFSET);
}

/*
 * Maps an object, and stores the address at which instance 0 is called; instance i is map.stride * i bytes
 * further. `base` is where to map it, in place of what is mapped there, or 0 for anywhere.
 */
static inline int trampfd_map_at(int fd, uintptr_t base, uintptr_t *address)
{
    struct trampfd_map map;
    void *mapped;
    if (trampfd_get_map(fd, &map) != 0)
        return -1;
    do
        mapped = mmap((void *)base, map.size, (int)map.prot, (int)map.flags | (base == 0 ? 0 : MAP_FIXED), fd,
                      TRAMPFD_OFFSET_BASE + (off_t)map.offset_page * 4096);
    while (mapped == MAP_FAILED && errno == EINTR);
    if (mapped == MAP_FAILED)
        return -1;
    *address = (uintptr_t)mapped + map.ioffset;
    return 0;
}

/* A structure has its name, as with stat(2), of which g++ warns outside of system headers. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
static inline int trampfd_map(int fd, uintptr_t *address)
{
    return trampfd_map_at(fd, 0, address);
}
#pragma GCC diagnostic pop

/* Undoes a mapping, by the address that trampfd_map stored. */
static inline int trampfd_unmap(int fd, uintptr_t address)
{
    struct trampfd_map map;
    if (trampfd_get_map(fd, &map) != 0)
        return -1;
    return munmap((void *)(address - map.ioffset), map.size);
}

/* Bytes from one slot of a TRAMPFD_CODE object's data to the next: the PC, the registers, the stack data. */
static inline size_t trampfd_slot_size(const struct trampfd_code *code)
{
    return 8 * (1 + (size_t)code->nregs) + (((size_t)code->stack_size + 7) & ~(size_t)7);
}

#ifdef __cplusplus
}
#endif

#endif
