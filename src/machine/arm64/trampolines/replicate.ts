/** Copies of one slot. */
import { type Assembler, readDistance, writeDistance } from '../asm/assembler.js';
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
  for (const { offset, operand, target } of asm.fixups) {
    const firstDistance = readDistance(view, { offset, operand });
    const deltaPerCopy = labelStride(target) - stride;
    for (let index = 1; index < count; index++) {
      writeDistance(view, { offset: offset + index * stride, operand }, firstDistance + index * deltaPerCopy);
    }
  }
  return bytes;
}
