/** Copies of one slot. */
import type { Assembler } from './assembler.js';
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
  for (const { at, target } of asm.fixups) {
    const first = view.getInt32(at, true);
    const drift = step(target) - stride;
    const last = first + (count - 1) * drift;
    if (last !== (last | 0)) throw new RangeError(`a label is ${last} bytes away, out of reach`);
    for (let index = 1; index < count; index++)
      view.setInt32(at + index * stride, first + index * drift, true);
  }
  return bytes;
}
