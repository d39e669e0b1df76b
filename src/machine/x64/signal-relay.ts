/** A signal handler of two system calls. It is called with the signal in rdi and `siginfo_t` in rsi. */
import type { SignalRelayCode } from '../machine.js';
import { Assembler } from './assembler.js';
import { emitRestorer } from './restorer.js';
import { systemCalls } from './system-calls.js';

export function signalRelay(fd: number, length: number): SignalRelayCode {
  const asm = new Assembler();
  asm.emit('endbr64');
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.write);
  asm.emit('mov r/m32, imm32', 'edi', fd);
  asm.emit('mov r/m32, imm32', 'edx', length);
  asm.emit('syscall');
  asm.emit('ret');
  asm.emit('int3');
  const restorerAt = emitRestorer(asm);
  return { bytes: asm.finish(), restorerAt };
}
