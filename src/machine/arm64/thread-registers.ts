/** The registers of a stopped thread: `struct user_pt_regs` of <asm/ptrace.h>, checked against C by a test. */
import { registerName } from '../../trampoline/registers.js';
import type { ThreadRegisters } from '../machine.js';
import { registerFile } from './registers.js';

/** Words of 8 bytes, in order. */
const words = [...Array.from({ length: 31 }, (_, index) => `x${index}`), 'sp', 'pc', 'pstate'];

const offset = (word: string): number => 8 * words.indexOf(word);

export const threadRegisters: ThreadRegisters = {
  size: 8 * words.length,
  pc: offset('pc'),
  sp: offset('sp'),
  at: (register) => offset(registerName(registerFile, register)),
};

/** Where a function returns to that the thread is about to enter: x30, the link register. */
export const linkRegister = offset('x30');
