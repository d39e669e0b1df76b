/** Registers of the portable names: AAPCS64, section 6.1.1. The static chain is that of GCC. */
import { arm64Registers, type RegisterFile } from '../../core/registers.js';

export const registerFile: RegisterFile = {
  architecture: 'arm64',
  numbers: arm64Registers,
  aliases: {
    pc: 'pc',
    arg0: 'x0',
    arg1: 'x1',
    arg2: 'x2',
    arg3: 'x3',
    arg4: 'x4',
    arg5: 'x5',
    // STATIC_CHAIN_REGNUM in gcc/config/aarch64/aarch64.h
    chain: 'x18',
  },
};
