/** Entries that load their index and branch to shared code, which follows the last entry. */

import { replicate } from '../../replicate.js';
import { Assembler } from '../asm/assembler.js';
import type { Gpr64 } from '../asm/operands.js';

/** Bit of MOV at which its immediate begins. */
const imm16Shift = 5;

export interface IndexedEntryParts {
  readonly stride: number;
  /** Register for the index. */
  readonly register: Gpr64;
  /** Code before the load of the index, and after the branch. */
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
