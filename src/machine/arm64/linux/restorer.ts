/** Where a signal handler returns to. */
import type { Assembler } from '../asm/assembler.js';
import { systemCalls } from './system-calls.js';

/** @returns where it begins */
export function emitRestorer(asm: Assembler): number {
  const start = asm.position;
  // These very words tell unwinders that a signal's frame is above: libgcc, config/aarch64/linux-unwind.h.
  asm.emit('mov <Xd>, #<imm>', 'x8', systemCalls.rt_sigreturn);
  asm.emit('svc #<imm>', 0);
  return start;
}
