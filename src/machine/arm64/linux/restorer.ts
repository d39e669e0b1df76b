import type { Assembler } from '../asm/assembler.js';
import { systemCalls } from './system-calls.js';

/** Emits the return address of signal handlers, the system call `rt_sigreturn`, and returns its offset. */
export function emitRestorer(asm: Assembler): number {
  const start = asm.position;
  // Unwinders recognise a signal frame by exactly these words: libgcc, config/aarch64/linux-unwind.h.
  asm.emit('mov <Xd>, #<imm>', 'x8', systemCalls.rt_sigreturn);
  asm.emit('svc #<imm>', 0);
  return start;
}
