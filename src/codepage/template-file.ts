/**
 * The file of templates: units of 4 KiB, of which the first is the header, a line of JSON. Each image takes as many
 * units as its code needs.
 *
 *     file     | header | image | image | image | image | image |
 *     blocks   |                        |                       |
 *     mapping                           |       | code  |       | data      for the fourth image
 *
 * A process maps whole *blocks*, which are as long as the largest page of the architecture. So one file serves all page
 * sizes in the same way, and several images can share a page. Data begins at the end of the block.
 */
import { fstatSync, readSync } from 'node:fs';
import { alignUp } from '../core/bits.js';
import { TrampfdError } from '../core/errors.js';
import { pageSize } from '../linux/mm/memory.js';
import { hostMachine } from '../native/host.js';
import type { CodePlace } from './code-page-method.js';

/** Offsets and lengths of images are multiples of this many bytes. The header has this length. */
export const unitLength = 4096;

/** To be increased with every change of the file's layout or of code in it. */
export const templateVersion = 2;

export interface TemplateHeader {
  /** {@link templateVersion} of the package that wrote the file. */
  readonly version: number;
  readonly architecture: string;
  /** Bytes. */
  readonly blockLength: number;
  readonly images: readonly ImageEntry[];
}

export interface ImageEntry {
  readonly key: string;
  /** Offset in the file, and length of the code, in bytes. */
  readonly offset: number;
  readonly length: number;
}

/** The mapping for an image. */
export interface FoundImage {
  /** Offset of the mapping in the file, in bytes. */
  readonly fileOffset: number;
  readonly place: CodePlace;
}

export const attempt = 'create a code page by template';

/** Returns the image for a key. @throws TrampfdError if the file is not what this version of the package wrote */
export function findImage(path: string, fd: number, key: string): FoundImage {
  const { blockLength, images } = readHeader(path, fd);
  const image = images.find((candidate) => candidate.key === key);
  if (image === undefined)
    throw templateError(path, 'it has no code for this shape', 'ERR_TRAMPFD_NO_TEMPLATE');
  const { offset, length } = image;
  const start = offset % blockLength;
  const fileOffset = offset - start;
  const mappingLength = alignUp(offset + length, blockLength) - fileOffset;
  return { fileOffset, place: { start, length, mappingLength } };
}

export function templateError(path: string, reason: string, code = 'ERR_TRAMPFD_TEMPLATE'): TrampfdError {
  return new TrampfdError(`Cannot ${attempt}: ${path}: ${reason}`, { code });
}

function readHeader(path: string, fd: number): TemplateHeader {
  const bytes = Buffer.alloc(unitLength);
  const length = readSync(fd, bytes, 0, unitLength, 0);
  const header = parseHeader(bytes.subarray(0, length).toString('latin1'));
  if (header === undefined) throw templateError(path, 'it is not a template file');
  const { version, architecture, blockLength, images } = header;
  const { registerFile } = hostMachine();
  if (version !== templateVersion) {
    throw templateError(path, `its version is ${version}, not ${templateVersion}`);
  }
  if (architecture !== registerFile.architecture) {
    throw templateError(path, `it is for ${architecture}, not ${registerFile.architecture}`);
  }
  if (blockLength <= 0 || blockLength % pageSize() !== 0) {
    const reason = `its blocks of ${blockLength} bytes are not whole pages of ${pageSize()} bytes`;
    throw templateError(path, reason);
  }
  const ends = images.map(({ offset, length }) => alignUp(offset + length, blockLength));
  const expectedSize = Math.max(unitLength, ...ends);
  const { size } = fstatSync(fd);
  if (size !== expectedSize) throw templateError(path, `it has ${size} bytes, not ${expectedSize}`);
  return header;
}

function parseHeader(text: string): TemplateHeader | undefined {
  try {
    const header = JSON.parse(text.slice(0, text.indexOf('\n'))) as Partial<
      Record<keyof TemplateHeader, unknown>
    >;
    const { version, architecture, blockLength, images } = header;
    if (typeof version !== 'number' || typeof architecture !== 'string') return undefined;
    // Other versions may have other fields.
    if (version !== templateVersion) return { version, architecture, blockLength: 0, images: [] };
    if (typeof blockLength !== 'number' || !Array.isArray(images) || !images.every(isEntry)) return undefined;
    return { version, architecture, blockLength, images };
  } catch {
    return undefined;
  }
}

function isEntry({ key, offset, length }: Partial<Record<keyof ImageEntry, unknown>>): boolean {
  return typeof key === 'string' && isUnits(offset) && isUnits(length);
}

function isUnits(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value % unitLength === 0;
}
