/**
 * `template`: the code was made when the package was built, and is shipped with it in a file that can be signed
 * (IMA, fs-verity, IPE, fapolicyd). This process brings no code of its own; it only maps what is installed.
 *
 * Guarantee: the mapping cannot be changed through `mprotect` or `/proc/self/mem`, since the descriptor behind
 * it only reads. Whoever may write the installed file can change the code under the mapping: let it belong to
 * somebody else than those who run it, or seal it with fs-verity.
 *
 * **Limitation**: it has the shapes of {@link templateShapes} and no others.
 *
 *     file   64 KiB with a line of JSON about the rest, then images of 64 KiB each
 *
 * The size of images is the largest page of any system, so that one file serves all. What is mapped is compared
 * with what this version would have made before anybody can jump there.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TrampfdError } from '../core/errors.js';
import { registerNumber } from '../core/registers.js';
import { emptyShape, handlerShape, type Shape, shapeKey } from '../core/shape.js';
import { pageSize } from '../linux/mm/memory.js';
import type { Machine } from '../machine/index.js';
import { fromNodeError } from '../native/errno.js';
import { hostMachine } from '../native/host.js';
import { memoryAt } from '../native/memory-view.js';
import type { CodeBlob, CodePageMethod } from './code-page-method.js';
import { codeFromFd } from './map-shared-fd.js';

/** Bytes of one image, and of the head of the file. */
export const imageLength = 2 ** 16;

/** What stands at the start of the file. */
export interface TemplateHeader {
  /** The layout of the file and the code in it; a change of either makes it another. */
  readonly version: number;
  readonly architecture: string;
  readonly imageLength: number;
  /** The keys of the images, in order. */
  readonly images: readonly string[];
}

export const templateVersion = 1;

const attempt = 'make a code page by template';

/** Where the package keeps the file for an architecture. */
export function templatePath(architecture: string): string {
  return fileURLToPath(new URL(`../native/templates-${architecture}.bin`, import.meta.url));
}

/**
 * The shapes that are shipped: only a jump, every single register, every two argument registers, farewells,
 * closures, handlers.
 */
export function templateShapes({ registerFile, trampolines, ffi }: Machine): Shape[] {
  const pc = registerNumber(registerFile, 'pc');
  const singleRegisters = Object.values(registerFile.numbers).filter((number) => number !== pc);
  const argRegisters = (['arg0', 'arg1', 'arg2', 'arg3', 'arg4', 'arg5'] as const).map((name) =>
    registerNumber(registerFile, name),
  );
  const pairs = argRegisters.flatMap((a, index) => argRegisters.slice(index + 1).map((b) => [a, b]));
  const registerSets = [
    ...singleRegisters.map((number) => [number]),
    ...pairs,
    ...[trampolines.freedCallStub().registers, ffi.callbackRegisters].map(Object.values<number>),
  ];
  const shapes = registerSets.map((registerSet) => ({
    registers: registerSet.toSorted((a, b) => a - b),
    stack: undefined,
  }));
  return [emptyShape, ...shapes, handlerShape];
}

/** All images of an architecture. */
export function templateCode(machine: Machine): CodeBlob[] {
  const slotImages = templateShapes(machine).map((shape) => ({
    key: shapeKey(shape),
    bytes: machine.trampolines.codeImage(shape, imageLength).bytes,
  }));
  const standaloneCode = [
    machine.trampolines.freedCallStub(),
    machine.trampolines.restoreContext(),
    machine.trampolines.faultHandler(imageLength),
    machine.ffi.glue(imageLength),
  ];
  return [
    ...slotImages,
    ...standaloneCode.map(({ key, bytes }) => ({
      key,
      bytes: machine.trampolines.padWithTraps(bytes, imageLength),
    })),
  ];
}

/** The method, with the code of one file. */
export function createTemplateMethod(pathFor: (architecture: string) => string): CodePageMethod {
  return {
    name: 'template',
    fixedCodeLength: imageLength,
    prepare({ key, bytes }) {
      const filePath = pathFor(process.arch);
      const fd = openTemplate(filePath);
      try {
        const header = readHeader(filePath, fd);
        const index = header.images.indexOf(key);
        if (index < 0) throw templateError(filePath, 'it has no code for this shape', 'ERR_NO_TEMPLATE');
        const prepared = codeFromFd(fd, {
          method: 'template',
          length: imageLength,
          offset: imageLength * (1 + index),
        });
        return {
          ...prepared,
          mapAt(address) {
            prepared.mapAt(address);
            if (Buffer.compare(new Uint8Array(memoryAt(address, imageLength)), bytes) !== 0) {
              throw templateError(filePath, 'its code is not what this version of trampfd makes');
            }
          },
        };
      } catch (error) {
        closeSync(fd);
        throw fromNodeError(`${attempt}: ${filePath}`, error);
      }
    },
  };
}

export const template = createTemplateMethod(templatePath);

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
  if (header === undefined) throw templateError(path, 'it is no file of templates');
  const { registerFile } = hostMachine();
  if (header.version !== templateVersion) {
    throw templateError(
      path,
      `it is made for version ${header.version} of templates, and this is ${templateVersion}`,
    );
  }
  if (header.architecture !== registerFile.architecture) {
    throw templateError(
      path,
      `it is made for ${header.architecture}, and this is ${registerFile.architecture}`,
    );
  }
  if (header.imageLength !== imageLength) {
    throw templateError(
      path,
      `its images have ${header.imageLength} bytes, and those of this version ${imageLength}`,
    );
  }
  if (imageLength % pageSize() !== 0) {
    throw templateError(
      path,
      `it is made for pages of ${imageLength} bytes or less, and these have ${pageSize()}`,
    );
  }
  const expectedSize = imageLength * (1 + header.images.length);
  const { size } = fstatSync(fd);
  if (size !== expectedSize)
    throw templateError(path, `it has ${size} bytes where ${expectedSize} should be`);
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

function templateError(path: string, reason: string, code = 'ERR_TEMPLATE'): TrampfdError {
  return new TrampfdError(`Cannot ${attempt}: ${path}: ${reason}`, { code });
}
