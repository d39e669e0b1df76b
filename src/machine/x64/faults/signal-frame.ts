/** The signal frame of x86-64: <asm/sigcontext.h>, <asm/ucontext.h>. A test compares it with C. */

/** Offsets in `ucontext_t`, in bytes: flags of the alternate stack, `gregs`, address of the FPU state. */
export const ucontext = { stackFlags: 24, registers: 40, fpstate: 224 } as const;

/** Order of `gregs`: <sys/ucontext.h>, `REG_R8` and so on. */
const gregs = [
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
  'rdi',
  'rsi',
  'rbp',
  'rbx',
  'rdx',
  'rax',
  'rcx',
  'rsp',
  'rip',
  'rflags',
  'segments',
  'error',
] as const;

/** Returns the offset of a register in `ucontext_t`, in bytes. */
export function frameOffset(register: (typeof gregs)[number]): number {
  return ucontext.registers + 8 * gregs.indexOf(register);
}

/** The general registers except rsp, in the order of the frame. */
export const frameRegisters = gregs.slice(0, 15);

/** Bit of a page fault's error code: instruction fetch. SDM volume 3, figure 4-12. */
export const X86_PF_INSTR = 0x10;

/** The alternate stack is disabled until `rt_sigreturn`. */
export const SS_AUTODISARM = 1 << 31;

/**
 * Offsets in the FPU state of a magic number, which marks the XSAVE format, and of its features: `struct
 * _fpx_sw_bytes`.
 */
export const fpstate = { magic: 464, features: 472, xsaveMagic: 0x46505853 } as const;

/** NT in the flags: IRETQ faults if it is set. SDM volume 2, IRET. */
export const X86_EFLAGS_NT = 0x4000;

/** Selectors of user code and data in 64-bit mode: arch/x86/include/asm/segment.h. */
export const segmentSelectors = { code: 0x33, stack: 0x2b } as const;
