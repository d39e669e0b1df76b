/** Registers of the portable names: System V psABI for x86-64, section 3.2.3 and figure 3.4. */
import { type RegisterFile, x64Registers } from '../../core/registers.js';

export const registerFile: RegisterFile = {
  architecture: 'x86-64',
  numbers: x64Registers,
  aliases: {
    pc: 'rip',
    arg0: 'rdi',
    arg1: 'rsi',
    arg2: 'rdx',
    arg3: 'rcx',
    arg4: 'r8',
    arg5: 'r9',
    chain: 'r10',
  },
};
