/** A signal handler of two system calls. It is called with the signal in x0 and `siginfo_t` in x1. */
import type { SignalRelayCode } from '../machine.js';
import { Assembler } from './assembler.js';
import { emitRestorer } from './restorer.js';
import { systemCalls } from './system-calls.js';

export function signalRelay(fd: number, length: number): SignalRelayCode {
  const asm = new Assembler();
  asm.emit('bti c');
  asm.emit('mov <Xd>, #<imm>', 'x8', systemCalls.write);
  asm.emit('mov <Xd>, #<imm>', 'x0', fd);
  asm.emit('mov <Xd>, #<imm>', 'x2', length);
  asm.emit('svc #<imm>', 0);
  asm.emit('ret');
  asm.emit('brk #<imm>', 0);
  const restorerAt = emitRestorer(asm);
  return { bytes: asm.finish(), restorerAt };
}
