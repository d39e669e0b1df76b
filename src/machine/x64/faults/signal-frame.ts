/**
 * What the kernel gives a signal handler: offsets in `siginfo_t` and `ucontext_t` of x86-64.
 * <asm-generic/siginfo.h>, <asm/sigcontext.h>, <asm/ucontext.h>; checked against C by a test.
 */
/** Of `ucontext_t`: flags of the alternate stack, the registers by their place in `gregs`, the FPU state's address. */
export const ucontext = { stackFlags: 24, registers: 40, fpstate: 224 } as const;

/** Places in `gregs`: <sys/ucontext.h>, `REG_R8` and so on. */
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

/** Where a register stands in `ucontext_t`. */
export function frameOffset(register: (typeof gregs)[number]): number {
  return ucontext.registers + 8 * gregs.indexOf(register);
}

/** General registers but rsp, in the order of the frame. */
export const frameRegisters = gregs.slice(0, 15);

/** Bit of a page fault's error code: an instruction was to be fetched. SDM volume 3, figure 4-12. */
export const X86_PF_INSTR = 0x10;

/** `SS_AUTODISARM`: the alternate stack is switched off until `sigreturn`. */
export const SS_AUTODISARM = 1 << 31;

/** Of the FPU state: a magic number where XSAVE wrote it, and then which components. `struct _fpx_sw_bytes`. */
export const fpstate = { magic: 464, features: 472, xsaveMagic: 0x46505853 } as const;

/** NT in the flags, with which IRETQ faults. SDM volume 2, IRET. */
export const X86_EFLAGS_NT = 0x4000;

/** Selectors of user code and data in 64-bit mode: arch/x86/include/asm/segment.h. */
export const segmentSelectors = { code: 0x33, stack: 0x2b } as const;
