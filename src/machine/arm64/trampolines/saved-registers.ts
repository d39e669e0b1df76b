/**
 * The block in which a handler finds the registers: 8-byte words in the order of the C interface, then x29, x30, PC,
 * stack pointer and flags, then the vector argument registers. Its size is a multiple of 16 bytes, the alignment of the
 * stack pointer (AAPCS64, section 6.4.5.1).
 */
import { savedRegisterLayout } from '../../saved-registers.js';
import { gpr64 } from '../asm/operands.js';
import { registerFile } from '../registers.js';

/** The general registers except x16, x17 and x30, in the pairs that STP stores. */
export const savedPairs = [
  ...([
    ['x0', 'x1'],
    ['x2', 'x3'],
    ['x4', 'x5'],
    ['x6', 'x7'],
  ] as const),
  ...([
    ['x8', 'x9'],
    ['x10', 'x11'],
    ['x12', 'x13'],
    ['x14', 'x15'],
  ] as const),
  ...([
    ['x18', 'x19'],
    ['x20', 'x21'],
    ['x22', 'x23'],
    ['x24', 'x25'],
  ] as const),
  ...([
    ['x26', 'x27'],
    ['x28', 'x29'],
  ] as const),
] as const;

/** Vector registers that can carry arguments: AAPCS64, section 6.1.2. */
export const savedVectorPairs = [
  ['q0', 'q1'],
  ['q2', 'q3'],
  ['q4', 'q5'],
  ['q6', 'q7'],
] as const;

/** Bytes of the block, and the offsets of registers in it. */
export const { size: savedSize, offsets: savedOffsets } = savedRegisterLayout({
  words: [...gpr64.filter((name) => name !== 'xzr'), 'pc', 'sp', 'nzcv'],
  vectors: savedVectorPairs.flat(),
  aliases: { ...registerFile.aliases, sp: 'sp', flags: 'nzcv', result: 'x0' },
});
