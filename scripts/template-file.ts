/** Writes a file of templates: see src/codepage/template-file.ts. */
import {
  type ImageEntry,
  type TemplateHeader,
  templateVersion,
  unitLength,
} from '#src/codepage/template-file.js';
import { alignUp } from '#src/core/bits.js';
import type { Machine } from '#src/machine/index.js';
import type { TemplateImage } from './template-images.js';

/** Returns a file with images in blocks of `blockLength` bytes. */
export function templateFile(
  machine: Machine,
  images: readonly TemplateImage[],
  blockLength: number,
): Uint8Array {
  const entries = placeImages(images, blockLength);
  const header: TemplateHeader = {
    version: templateVersion,
    architecture: machine.registerFile.architecture,
    blockLength,
    images: entries,
  };
  const line = new TextEncoder().encode(`${JSON.stringify(header)}\n`);
  if (line.length > unitLength) throw new RangeError(`header too long: ${line.length} bytes`);
  const end = Math.max(...entries.map(({ offset, length }) => offset + length));
  const bytes = machine.trampolines.padWithTraps(new Uint8Array(unitLength), alignUp(end, blockLength));
  bytes.set(line);
  for (const [index, { offset, length }] of entries.entries()) {
    // Data begins at the end of the block.
    bytes.set(images[index]!.create(alignUp(offset + length, blockLength) - offset), offset);
  }
  return bytes;
}

/** Returns the place of each image: the first that is free, in one block if it fits. */
function placeImages(images: readonly TemplateImage[], blockLength: number): ImageEntry[] {
  const used = new Set([0]);
  const entries = new Map<string, ImageEntry>();
  const place = ({ key, length, beginsBlock }: TemplateImage): void => {
    const step = beginsBlock || length > blockLength ? blockLength : unitLength;
    const units = (offset: number) =>
      Array.from({ length: length / unitLength }, (_, index) => offset / unitLength + index);
    const fits = (offset: number) =>
      (step === blockLength || (offset % blockLength) + length <= blockLength) &&
      units(offset).every((unit) => !used.has(unit));
    let offset = 0;
    while (!fits(offset)) offset += step;
    for (const unit of units(offset)) used.add(unit);
    entries.set(key, { key, offset, length });
  };
  // Those that fit in few places are the first.
  for (const image of images.filter(({ beginsBlock }) => beginsBlock)) place(image);
  for (const image of images.filter(({ beginsBlock }) => !beginsBlock)) place(image);
  return images.map(({ key }) => entries.get(key)!);
}
