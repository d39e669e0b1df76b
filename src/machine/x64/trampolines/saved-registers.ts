/**
 * The block in which a handler finds the registers: 8-byte words in the order of the C interface, the flags, the PC
 * and the stack pointer behind them, then the vector argument registers. A multiple of 16 bytes, so that a stack
 * pointer at its start is aligned for a call (psABI, section 3.2.2). What loads the registers relies on r15, flags, PC
 * and stack pointer to stand one behind the other.
 */
import type { PortableSavedRegister } from '../../../core/registers.js';
import { registerFile } from '../registers.js';

/** The general registers but rsp, in their order in the block. */
export const savedGeneral = [
  ...(['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp'] as const),
  ...(['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'] as const),
] as const;

/** Vector registers that can carry arguments: psABI, section 3.2.3. */
export const savedVector = ['xmm0', 'xmm1', 'xmm2', 'xmm3', 'xmm4', 'xmm5', 'xmm6', 'xmm7'] as const;

const words = [...savedGeneral, 'rflags', 'rip', 'rsp'] as const;

const offsets = Object.fromEntries([
  ...words.map((name, index) => [name, 8 * index]),
  ...savedVector.map((name, index) => [name, 8 * words.length + 16 * index]),
]) as Record<(typeof words)[number] | (typeof savedVector)[number], number>;

/** Bytes. */
export const savedSize = 8 * words.length + 16 * savedVector.length;

const aliases = Object.fromEntries([
  ...Object.entries({ ...registerFile.aliases, sp: 'rsp', flags: 'rflags', result: 'rax' }).map(
    ([alias, name]) => [alias, offsets[name as 'rip']],
  ),
  ...savedVector.map((name, index) => [`vector${index}`, offsets[name]]),
]) as Record<PortableSavedRegister, number>;

/** Where in the block a register stands. */
export const savedOffsets = Object.freeze({ ...offsets, ...aliases });
