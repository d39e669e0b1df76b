import type { Label } from '../../label-assembler.js';
import type { Assembler } from '../asm/assembler.js';

/** Labels that the routine of a type can jump to. */
export interface FaultExits {
  /** Counts a refusal at r10; the fault becomes the program's own. The frame, rsi and rdx must be unchanged. */
  readonly reject: Label;
  /** Continues with the registers in the frame (rbp), the record at rbx and stack data, if any, at r12. */
  readonly complete: Label;
  /** A byte for each bit of a register mask: offset of the register in the frame. */
  readonly offsetTable: Label;
}

/** A type of slow trampoline, as the fault handler runs it. */
export interface FaultType {
  readonly name: string;
  emit(asm: Assembler, exits: FaultExits): void;
}
