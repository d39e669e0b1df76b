/** `struct user_pt_regs` of <asm/ptrace.h>. A test compares it with C. */
import { registerName } from '../../../core/registers.js';
import type { UserRegs } from '../../linux-abi.js';
import { registerFile } from '../registers.js';

/** The 8-byte words in order. */
const words = [...Array.from({ length: 31 }, (_, index) => `x${index}`), 'sp', 'pc', 'pstate'];

const wordOffset = (word: string): number => 8 * words.indexOf(word);

export const userRegs: UserRegs = {
  size: 8 * words.length,
  pc: wordOffset('pc'),
  sp: wordOffset('sp'),
  offsetOf: (register) => wordOffset(registerName(registerFile, register)),
};

/** Offset of x30, the link register: the return address of a function that the thread is about to enter. */
export const linkRegisterOffset = wordOffset('x30');
