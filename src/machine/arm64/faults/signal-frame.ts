/**
 * What the kernel gives a signal handler: offsets in `siginfo_t` and `ucontext_t` of arm64.
 * <asm-generic/siginfo.h>, <asm/sigcontext.h>, <asm/ucontext.h>; checked against C by a test.
 */
/** Of `ucontext_t`: the registers x0 to x30, one behind the other, the stack pointer and the PC. */
export const ucontext = { registers: 184, sp: 432, pc: 440 } as const;

/** Where x30 stands, the link register: what a function finds as its return address. */
export const linkRegisterOffset = ucontext.registers + 8 * 30;
