import type { Assembler } from '../asm/assembler.js';
import { systemCalls } from './system-calls.js';

/** Emits the return address of signal handlers, the system call `rt_sigreturn`, and returns its offset. */
export function emitRestorer(asm: Assembler): number {
  const start = asm.position;
  // Unwinders recognise a signal frame by exactly these bytes: libgcc, config/i386/linux-unwind.h.
  asm.emit('mov r/m64, imm32', 'rax', systemCalls.rt_sigreturn);
  asm.emit('syscall');
  return start;
}
