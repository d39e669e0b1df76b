import type { Fixup, Label, LabelAssembler } from './label-assembler.js';

/**
 * Returns the code of an assembler `count` times in a row. From one copy to the next, a label moves by
 * `labelStride(label)` bytes: 0 if all copies refer to the same place.
 */
export function replicate<F extends Fixup>(
  asm: LabelAssembler<F>,
  count: number,
  labelStride: (label: Label) => number,
): Uint8Array {
  const slot = asm.finish();
  const stride = slot.length;
  const bytes = new Uint8Array(count * stride);
  bytes.set(slot);
  // Each step doubles the copied part: one call per copy would take longer than the rest.
  for (let filled = stride; filled < bytes.length; filled *= 2) bytes.copyWithin(filled, 0, filled);

  const view = new DataView(bytes.buffer);
  for (const fixup of asm.fixups) {
    const deltaPerCopy = labelStride(fixup.target) - stride;
    if (deltaPerCopy === 0) continue;
    const firstDistance = asm.readDistance(view, fixup);
    for (let index = 1; index < count; index++) {
      asm.writeDistance(view, fixup, firstDistance + index * deltaPerCopy, fixup.offset + index * stride);
    }
  }
  return bytes;
}
