/** Copies of one slot. */
import type { Assembler } from '../asm/assembler.js';
import type { Label } from '../asm/operands.js';

/**
 * The code of an assembler, `count` times. A label is taken to stand `step(label)` bytes further on for each
 * copy: 0 when all of them mean the same place.
 */
export function replicate(asm: Assembler, count: number, labelStride: (label: Label) => number): Uint8Array {
  const slot = asm.finish();
  const stride = slot.length;
  const bytes = new Uint8Array(count * stride);
  for (let index = 0; index < count; index++) bytes.set(slot, index * stride);

  const view = new DataView(bytes.buffer);
  for (const { offset, target } of asm.fixups) {
    const firstDistance = view.getInt32(offset, true);
    const deltaPerCopy = labelStride(target) - stride;
    const lastDistance = firstDistance + (count - 1) * deltaPerCopy;
    if (lastDistance !== (lastDistance | 0))
      throw new RangeError(`a label is ${lastDistance} bytes away, out of reach`);
    for (let index = 1; index < count; index++)
      view.setInt32(offset + index * stride, firstDistance + index * deltaPerCopy, true);
  }
  return bytes;
}
