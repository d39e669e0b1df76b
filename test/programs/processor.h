/* What these programs have to know of the processor: where a signal's context has the PC and the stack pointer, how
 * to trap. Their tests have the same in support/processor.ts. */
#pragma once
#include <stdint.h>
#include <ucontext.h>

#if defined(__x86_64__)
#define PC_OF(context) ((uint64_t)((ucontext_t *)(context))->uc_mcontext.gregs[REG_RIP])
#define SP_OF(context) ((uint64_t)((ucontext_t *)(context))->uc_mcontext.gregs[REG_RSP])
#define TRAP() __asm__ volatile("int3")
#elif defined(__aarch64__)
#define PC_OF(context) (((ucontext_t *)(context))->uc_mcontext.pc)
#define SP_OF(context) (((ucontext_t *)(context))->uc_mcontext.sp)
#define TRAP() __asm__ volatile("brk #0")
#endif
