/**
 * `template`: the code was generated when the package was built, and is shipped in a file that can be signed (IMA,
 * fs-verity, IPE, fapolicyd). The process generates no executable code; it only maps what is installed.
 *
 * Guarantee: the mapping cannot be changed through `mprotect` or `/proc/self/mem`, since its fd is read-only. A
 * user who may write the installed file can change the mapped code: the file should belong to a user other than
 * those who run it, or be sealed with fs-verity.
 *
 * **Limitation**: it has a fixed set of shapes (scripts/template-images.ts).
 *
 *     file   64 KiB that begin with a line of JSON ({@link TemplateHeader}), then images of 64 KiB each
 *
 * The size of an image is the largest page size of any system, so that one file serves all. After mapping, the
 * code is compared with what this version would generate, before it can be called.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { TrampfdError } from '../core/errors.js';
import { pageSize } from '../linux/mm/memory.js';
import { fromNodeError } from '../native/errno.js';
import { nativeFile } from '../native/files.js';
import { hostMachine } from '../native/host.js';
import { memoryAt } from '../native/memory-view.js';
import type { CodePageMethod } from './code-page-method.js';
import { codeFromFd } from './map-shared-fd.js';

/** Bytes of one image, and of the header. */
export const imageLength = 2 ** 16;

export interface TemplateHeader {
  /** {@link templateVersion} of the package that wrote the file. */
  readonly version: number;
  readonly architecture: string;
  readonly imageLength: number;
  /** Keys of the images, in file order. */
  readonly images: readonly string[];
}

/** To be increased with every change of the file's layout or of code in it. */
export const templateVersion = 1;

const attempt = 'create a code page by template';

/** Returns the path of the installed file for an architecture, by Node's name (`process.arch`). */
export function templatePath(architecture: string): string {
  return nativeFile(`templates-${architecture}.bin`);
}

/** Returns the method for one file. */
export function createTemplateMethod(path: string): CodePageMethod {
  return {
    name: 'template',
    fixedCodeLength: imageLength,
    prepare({ key, bytes }) {
      const fd = openTemplate(path);
      try {
        const header = readHeader(path, fd);
        const index = header.images.indexOf(key);
        if (index < 0) throw templateError(path, 'it has no code for this shape', 'ERR_TRAMPFD_NO_TEMPLATE');
        const prepared = codeFromFd(fd, {
          source: 'template',
          length: imageLength,
          offset: imageLength * (1 + index),
        });
        return {
          ...prepared,
          mapAt(address) {
            prepared.mapAt(address);
            if (Buffer.compare(new Uint8Array(memoryAt(address, imageLength)), bytes) !== 0) {
              throw templateError(path, 'its code differs from what this version of trampfd generates');
            }
          },
        };
      } catch (error) {
        closeSync(fd);
        throw fromNodeError(`${attempt}: ${path}`, error);
      }
    },
  };
}

export const template = createTemplateMethod(templatePath(process.arch));

function openTemplate(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw fromNodeError(`${attempt}: ${path}`, error);
  }
}

function readHeader(path: string, fd: number): TemplateHeader {
  const bytes = Buffer.alloc(imageLength);
  const length = readSync(fd, bytes, 0, imageLength, 0);
  const header = parseHeader(bytes.subarray(0, length).toString('latin1'));
  if (header === undefined) throw templateError(path, 'it is not a template file');
  const { registerFile } = hostMachine();
  if (header.version !== templateVersion) {
    throw templateError(path, `its version is ${header.version}, not ${templateVersion}`);
  }
  if (header.architecture !== registerFile.architecture) {
    throw templateError(path, `it is for ${header.architecture}, not ${registerFile.architecture}`);
  }
  if (header.imageLength !== imageLength) {
    throw templateError(path, `its images have ${header.imageLength} bytes, not ${imageLength}`);
  }
  if (imageLength % pageSize() !== 0) {
    throw templateError(
      path,
      `its images of ${imageLength} bytes are not whole pages of ${pageSize()} bytes`,
    );
  }
  const expectedSize = imageLength * (1 + header.images.length);
  const { size } = fstatSync(fd);
  if (size !== expectedSize) throw templateError(path, `it has ${size} bytes, not ${expectedSize}`);
  return header;
}

function parseHeader(text: string): TemplateHeader | undefined {
  try {
    const header = JSON.parse(text.slice(0, text.indexOf('\n'))) as Partial<
      Record<keyof TemplateHeader, unknown>
    >;
    const { version, architecture, imageLength, images } = header;
    if (typeof version !== 'number' || typeof imageLength !== 'number') return undefined;
    if (typeof architecture !== 'string' || !Array.isArray(images)) return undefined;
    return { version, architecture, imageLength, images };
  } catch {
    return undefined;
  }
}

function templateError(path: string, reason: string, code = 'ERR_TRAMPFD_TEMPLATE'): TrampfdError {
  return new TrampfdError(`Cannot ${attempt}: ${path}: ${reason}`, { code });
}
