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
  for (let index = 0; index < count; index++) bytes.set(slot, index * stride);

  const view = new DataView(bytes.buffer);
  for (const fixup of asm.fixups) {
    const firstDistance = asm.readDistance(view, fixup);
    const deltaPerCopy = labelStride(fixup.target) - stride;
    for (let index = 1; index < count; index++) {
      asm.writeDistance(view, fixup, firstDistance + index * deltaPerCopy, fixup.offset + index * stride);
    }
  }
  return bytes;
}
