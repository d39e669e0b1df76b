/* The block that a handler is given, as docs/handlers.md has it, and what its registers are for. */
#pragma once
#include <stdint.h>

#if defined(__x86_64__)
struct saved_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t flags, pc, sp;
    uint8_t xmm[8][16];
};
enum { REGISTERS = 6 }; /* for integer arguments */
#define ARG0 rdi
#define RESULT rax
#define VECTORS xmm

#elif defined(__aarch64__)
struct saved_registers {
    uint64_t x[31];
    uint64_t pc, sp, flags;
    uint8_t q[8][16];
};
enum { REGISTERS = 8 };
#define ARG0 x[0]
#define RESULT x[0]
#define VECTORS q
#endif

/* The integers that the function behind a trampoline was called with, those on the stack too. */
static inline uint64_t argument(const struct saved_registers *saved, int index)
{
#if defined(__x86_64__)
    const uint64_t registers[] = {saved->rdi, saved->rsi, saved->rdx, saved->rcx, saved->r8, saved->r9};
#elif defined(__aarch64__)
    const uint64_t *registers = saved->x;
#endif
    return index < REGISTERS ? registers[index] : ((const uint64_t *)saved->sp)[index - REGISTERS];
}
