/** Entries that say their number and go on to what all of them share, which stands behind the last. */
import { Assembler } from './assembler.js';
import type { Gpr64 } from './operands.js';
import { repeat } from './repeat.js';

/** Bit of MOV where its number begins. */
const numberBit = 5;

/** @param emitRest what else stands in an entry, behind the branch */
export function numberedEntries(
  count: number,
  { stride, register }: { readonly stride: number; readonly register: Gpr64 },
  emitRest: (asm: Assembler) => void = () => {},
): Uint8Array {
  const asm = new Assembler();
  asm.emit('bti c');
  const numberAt = asm.position;
  asm.emit('mov <Xd>, #<imm>', register, 0);
  asm.emit('b <label>', asm.label(count * stride));
  emitRest(asm);
  asm.padTo(stride);
  const bytes = repeat(asm, count, () => 0);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < count; index++) {
    const at = index * stride + numberAt;
    view.setUint32(at, view.getUint32(at, true) | (index << numberBit), true);
  }
  return bytes;
}
