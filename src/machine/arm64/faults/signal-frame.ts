/** The signal frame of arm64: <asm/sigcontext.h>, <asm/ucontext.h>. A test compares it with C. */

/** Offsets in `ucontext_t`, in bytes: x0 to x30, stack pointer, PC. */
export const ucontext = { registers: 184, sp: 432, pc: 440 } as const;

/** Offset of x30, the link register, which holds the return address of a function on entry. */
export const linkRegisterOffset = ucontext.registers + 8 * 30;
