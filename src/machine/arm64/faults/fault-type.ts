import type { Label } from '../../label-assembler.js';
import type { Assembler } from '../asm/assembler.js';

/** Labels that the routine of a type can jump to. */
export interface FaultExits {
  /** Counts a refusal at x10; the fault becomes the program's own. The frame, x1 and x2 must be unchanged. */
  readonly reject: Label;
  /** Continues with the registers in the frame (x2), the record at x12 and stack data, if any, at x13. */
  readonly complete: Label;
}

/** A type of slow trampoline, as the fault handler runs it. */
export interface FaultType {
  readonly name: string;
  emit(asm: Assembler, exits: FaultExits): void;
}

/** Adds one to the counter at x10. Uses x3 and w4. */
export function emitIncrementCounter(asm: Assembler): void {
  const retry = asm.label();
  asm.bind(retry);
  asm.emit('ldxr <Xt>, [<Xn|SP>]', 'x3', 'x10');
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x3', 'x3', 1);
  asm.emit('stxr <Ws>, <Xt>, [<Xn|SP>]', 'w4', 'x3', 'x10');
  asm.emit('cbnz <Wt>, <label>', 'w4', retry);
}
