/** Entries that say their number and go on to what all of them share, which stands behind the last. */

import { replicate } from '../../replicate.js';
import { Assembler } from '../asm/assembler.js';
import type { Gpr64 } from '../asm/operands.js';

/** Bit of MOV where its number begins. */
const imm16Shift = 5;

export interface IndexedEntryParts {
  readonly stride: number;
  /** What holds the number. */
  readonly register: Gpr64;
  /** What stands before the number, and behind the branch. */
  readonly emitPrologue?: (asm: Assembler) => void;
  readonly emitEpilogue?: (asm: Assembler) => void;
}

export function indexedEntries(
  count: number,
  { stride, register, emitPrologue, emitEpilogue }: IndexedEntryParts,
): Uint8Array {
  const asm = new Assembler();
  asm.emit('bti c');
  emitPrologue?.(asm);
  const movOffset = asm.position;
  asm.emit('mov <Xd>, #<imm>', register, 0);
  const sharedCode = asm.label(count * stride);
  asm.emit('b <label>', sharedCode);
  emitEpilogue?.(asm);
  asm.padTo(stride);
  const bytes = replicate(asm, count, (label) => (label === sharedCode ? 0 : stride));
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < count; index++) {
    const offset = index * stride + movOffset;
    view.setUint32(offset, view.getUint32(offset, true) | (index << imm16Shift), true);
  }
  return bytes;
}
