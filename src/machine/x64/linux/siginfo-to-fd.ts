import type { SiginfoToFdCode } from '../../linux-abi.js';
import { Assembler } from '../asm/assembler.js';
import { emitRestorer } from './restorer.js';
import { systemCalls } from './system-calls.js';

/** Returns a signal handler that calls `write`. On entry rdi is the signal and rsi the address of `siginfo_t`. */
export function siginfoToFdHandler(fd: number, length: number): SiginfoToFdCode {
  const asm = new Assembler();
  asm.emit('endbr64');
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.write);
  asm.emit('mov r/m32, imm32', 'edi', fd);
  asm.emit('mov r/m32, imm32', 'edx', length);
  asm.emit('syscall');
  asm.emit('ret');
  asm.emit('int3');
  const restorerOffset = emitRestorer(asm);
  return { bytes: asm.finish(), restorerOffset };
}
