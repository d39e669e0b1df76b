import type { SiginfoToFdCode } from '../../linux-abi.js';
import { Assembler } from '../asm/assembler.js';
import { emitRestorer } from './restorer.js';
import { systemCalls } from './system-calls.js';

/** Returns a signal handler that calls `write`. On entry x0 is the signal and x1 the address of `siginfo_t`. */
export function siginfoToFdHandler(fd: number, length: number): SiginfoToFdCode {
  const asm = new Assembler();
  asm.emit('bti c');
  asm.emit('mov <Xd>, #<imm>', 'x8', systemCalls.write);
  asm.emit('mov <Xd>, #<imm>', 'x0', fd);
  asm.emit('mov <Xd>, #<imm>', 'x2', length);
  asm.emit('svc #<imm>', 0);
  asm.emit('ret');
  asm.emit('brk #<imm>', 0);
  const restorerOffset = emitRestorer(asm);
  return { bytes: asm.finish(), restorerOffset };
}
