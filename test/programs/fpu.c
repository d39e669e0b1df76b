/* Enters a trampoline with a whole state of the FPU, and stores what arrives at its target. */
#include <stdint.h>
#include <string.h>

enum { SIZE = 4096 };
static char given[SIZE] __attribute__((aligned(64)));
static char arrived[SIZE] __attribute__((aligned(64)));
__attribute__((visibility("hidden"), used)) uint32_t fpu_components;

/* x87, SSE, AVX, and the three of AVX-512: SDM volume 1, section 13.1. Those that this system has. */
uint32_t fpu_mask(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return fpu_components = low & 0xe7;
}

/* Offset of a component in an XSAVE area: CPUID leaf 0xD. */
uint32_t fpu_place(uint32_t component)
{
    uint32_t size, place, c, d;
    __asm__ volatile("cpuid" : "=a"(size), "=b"(place), "=c"(c), "=d"(d) : "a"(0xd), "c"(component));
    return place + size <= SIZE ? place : 0;
}

/* rdi: the area to load, rsi: the area to store, rdx: what to call. */
__attribute__((naked, noinline)) static void enter(const void *in, void *out, uintptr_t call)
{
    (void)in; (void)out; (void)call;
    __asm__("push %rbx; push %r12; sub $24, %rsp; stmxcsr (%rsp); fnstcw 4(%rsp)\n"
            "mov %rsi, %r12; mov %rdx, %rbx; mov fpu_components(%rip), %eax; xor %edx, %edx\n"
            "xrstor64 (%rdi); call *%rbx\n"
            "fninit; ldmxcsr (%rsp); fldcw 4(%rsp); vzeroupper; add $24, %rsp; pop %r12; pop %rbx; ret");
}

/* Target of the trampolines: finds the area through r12, which they preserve. */
__attribute__((naked)) void fpu_target(void)
{
    __asm__("endbr64; mov fpu_components(%rip), %eax; xor %edx, %edx; xsave64 (%r12); ret");
}

void fpu_run(const void *in, void *out, uintptr_t call)
{
    memcpy(given, in, SIZE);
    memset(arrived, 0, SIZE);
    enter(given, arrived, call);
    memcpy(out, arrived, SIZE);
}
