/**
 * `template`: the code was generated when the package was built, and is shipped in a file that can be signed (IMA,
 * fs-verity, IPE, fapolicyd). The process generates no executable code; it only maps what is installed.
 *
 * Guarantee: the mapping cannot be changed through `mprotect` or `/proc/self/mem`, since its fd is read-only. A
 * user who may write the installed file can change the mapped code: the file should belong to a user other than
 * those who run it, or be sealed with fs-verity.
 *
 * After mapping, the code is compared with what this version would generate, before it can be called.
 *
 * **Limitation**: it has a fixed set of shapes (scripts/template-images.ts).
 */
import { closeSync, openSync } from 'node:fs';
import { fromNodeError } from '../native/errno.js';
import { nativeFile } from '../native/files.js';
import { memoryAt } from '../native/memory-view.js';
import type { CodePageMethod, CodePlace } from './code-page-method.js';
import { codeFromFd } from './map-shared-fd.js';
import { attempt, findImage, templateError } from './template-file.js';

/** Returns the path of the installed file for an architecture, by Node's name (`process.arch`). */
export function templatePath(architecture: string): string {
  return nativeFile(`templates-${architecture}.bin`);
}

/** Returns the method for one file. */
export function createTemplateMethod(path: string): CodePageMethod {
  const otherCode = () => templateError(path, 'its code differs from what this version of trampfd generates');
  return {
    name: 'template',

    locate(key) {
      const fd = openTemplate(path);
      try {
        return findImage(path, fd, key).place;
      } catch (error) {
        throw fromNodeError(`${attempt}: ${path}`, error);
      } finally {
        closeSync(fd);
      }
    },

    prepare({ key, bytes, place }) {
      const fd = openTemplate(path);
      try {
        const found = findImage(path, fd, key);
        // The file may have been replaced since `locate`. A longer mapping would replace memory after the code.
        if (bytes.length !== found.place.length || !isSamePlace(found.place, place)) throw otherCode();
        const { start, length, mappingLength } = found.place;
        const source = { source: 'template', length: mappingLength, offset: found.fileOffset } as const;
        const prepared = codeFromFd(fd, source);
        return {
          ...prepared,
          mapAt(address) {
            prepared.mapAt(address);
            const mapped = new Uint8Array(memoryAt(address + BigInt(start), length));
            if (Buffer.compare(mapped, bytes) !== 0) throw otherCode();
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

function isSamePlace(a: CodePlace, b: CodePlace | undefined): boolean {
  return a.start === b?.start && a.length === b.length && a.mappingLength === b.mappingLength;
}

function openTemplate(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw fromNodeError(`${attempt}: ${path}`, error);
  }
}
