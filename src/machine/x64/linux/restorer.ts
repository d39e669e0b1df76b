/** Where a signal handler returns to. */
import type { Assembler } from '../asm/assembler.js';
import { systemCalls } from './system-calls.js';

/** @returns where it begins */
export function emitRestorer(asm: Assembler): number {
  const start = asm.position;
  // These very bytes tell unwinders that a signal's frame is above: libgcc, config/i386/linux-unwind.h.
  asm.emit('mov r/m64, imm32', 'rax', systemCalls.rt_sigreturn);
  asm.emit('syscall');
  return start;
}
