/** Copies of one slot. */
import { type Assembler, readDistance, writeDistance } from './assembler.js';
import type { Label } from './operands.js';

/**
 * The code of an assembler, `count` times. A label is taken to stand `step(label)` bytes further on for each
 * copy: 0 when all of them mean the same place.
 */
export function repeat(asm: Assembler, count: number, step: (label: Label) => number): Uint8Array {
  const slot = asm.finish();
  const stride = slot.length;
  const bytes = new Uint8Array(count * stride);
  for (let index = 0; index < count; index++) bytes.set(slot, index * stride);

  const view = new DataView(bytes.buffer);
  for (const { at, operand, target } of asm.fixups) {
    const first = readDistance(view, { at, operand });
    const drift = step(target) - stride;
    for (let index = 1; index < count; index++) {
      writeDistance(view, { at: at + index * stride, operand }, first + index * drift);
    }
  }
  return bytes;
}
