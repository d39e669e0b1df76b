/** Entries that say their number and go on to what all of them share, which stands behind the last. */
import { Assembler } from './assembler.js';
import type { Gpr64 } from './operands.js';
import { repeat } from './repeat.js';

/** Bit of MOV where its number begins. */
const numberBit = 5;

export interface EntryParts {
  readonly stride: number;
  /** What holds the number. */
  readonly register: Gpr64;
  /** What stands before the number, and behind the branch. */
  readonly emitFirst?: (asm: Assembler) => void;
  readonly emitRest?: (asm: Assembler) => void;
}

export function numberedEntries(
  count: number,
  { stride, register, emitFirst, emitRest }: EntryParts,
): Uint8Array {
  const asm = new Assembler();
  asm.emit('bti c');
  emitFirst?.(asm);
  const numberAt = asm.position;
  asm.emit('mov <Xd>, #<imm>', register, 0);
  const shared = asm.label(count * stride);
  asm.emit('b <label>', shared);
  emitRest?.(asm);
  asm.padTo(stride);
  const bytes = repeat(asm, count, (label) => (label === shared ? 0 : stride));
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < count; index++) {
    const at = index * stride + numberAt;
    view.setUint32(at, view.getUint32(at, true) | (index << numberBit), true);
  }
  return bytes;
}
