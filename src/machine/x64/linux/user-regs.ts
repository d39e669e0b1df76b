/** `struct user_regs_struct` of <sys/user.h>. A test compares it with C. */
import { registerName } from '../../../core/registers.js';
import type { UserRegs } from '../../linux-abi.js';
import { registerFile } from '../registers.js';

/** The 8-byte words in order. */
const words = [
  ...['r15', 'r14', 'r13', 'r12', 'rbp', 'rbx', 'r11', 'r10', 'r9', 'r8', 'rax', 'rcx', 'rdx', 'rsi', 'rdi'],
  ...['orig_rax', 'rip', 'cs', 'eflags', 'rsp', 'ss', 'fs_base', 'gs_base', 'ds', 'es', 'fs', 'gs'],
];

const offset = (word: string): number => 8 * words.indexOf(word);

export const userRegs: UserRegs = {
  size: 8 * words.length,
  pc: offset('rip'),
  sp: offset('rsp'),
  offsetOf: (register) => offset(registerName(registerFile, register)),
};
