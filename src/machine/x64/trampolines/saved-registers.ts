/**
 * The block in which a handler finds the registers: 8-byte words in the order of the C interface, then flags, PC and
 * stack pointer, then the vector argument registers. Its size is a multiple of 16 bytes, so that a stack pointer at its
 * start is aligned for a call (psABI, section 3.2.2). Code that restores the registers relies on r15, flags, PC and
 * stack pointer being adjacent.
 */
import { savedRegisterLayout } from '../../saved-registers.js';
import { registerFile } from '../registers.js';

/** The general registers except rsp, in the order of the block. */
export const savedGeneral = [
  ...(['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp'] as const),
  ...(['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'] as const),
] as const;

/** Vector registers that can carry arguments: psABI, section 3.2.3. */
export const savedVector = ['xmm0', 'xmm1', 'xmm2', 'xmm3', 'xmm4', 'xmm5', 'xmm6', 'xmm7'] as const;

/** Bytes of the block, and the offsets of registers in it. */
export const { size: savedSize, offsets: savedOffsets } = savedRegisterLayout({
  words: [...savedGeneral, 'rflags', 'rip', 'rsp'],
  vectors: savedVector,
  aliases: { ...registerFile.aliases, sp: 'rsp', flags: 'rflags', result: 'rax' },
});
