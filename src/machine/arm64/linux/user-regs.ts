/** The registers of a stopped thread: `struct user_pt_regs` of <asm/ptrace.h>, checked against C by a test. */
import { registerName } from '../../../core/registers.js';
import type { UserRegs } from '../../linux-abi.js';
import { registerFile } from '../registers.js';

/** Words of 8 bytes, in order. */
const words = [...Array.from({ length: 31 }, (_, index) => `x${index}`), 'sp', 'pc', 'pstate'];

const wordOffset = (word: string): number => 8 * words.indexOf(word);

export const userRegs: UserRegs = {
  size: 8 * words.length,
  pc: wordOffset('pc'),
  sp: wordOffset('sp'),
  offsetOf: (register) => wordOffset(registerName(registerFile, register)),
};

/** Where a function returns to that the thread is about to enter: x30, the link register. */
export const linkRegisterOffset = wordOffset('x30');
