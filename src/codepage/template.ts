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
import { fromNode } from '../linux/errno.js';
import { thisMachine } from '../linux/host.js';
import { memoryAt, pageSize } from '../linux/memory.js';
import type { Machine } from '../machine/index.js';
import { TrampfdError } from '../trampoline/errors.js';
import { registerNumber } from '../trampoline/registers.js';
import { emptyShape, handlerShape, type Shape, shapeKey } from '../trampoline/shape.js';
import type { Code, CodePageMethod } from './method.js';
import { fromFile } from './shared-file.js';

/** Bytes of one image, and of the head of the file. */
export const imageLength = 2 ** 16;

/** What stands at the start of the file. */
export interface TemplateHead {
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
export function templateShapes({ registerFile, farewell, closureRegisters }: Machine): Shape[] {
  const pc = registerNumber(registerFile, 'pc');
  const singles = Object.values(registerFile.numbers).filter((number) => number !== pc);
  const args = (['arg0', 'arg1', 'arg2', 'arg3', 'arg4', 'arg5'] as const).map((name) =>
    registerNumber(registerFile, name),
  );
  const pairs = args.flatMap((a, index) => args.slice(index + 1).map((b) => [a, b]));
  const sets = [
    ...singles.map((number) => [number]),
    ...pairs,
    ...[farewell().registers, closureRegisters].map(Object.values<number>),
  ];
  const shapes = sets.map((set) => ({ registers: set.toSorted((a, b) => a - b), stack: undefined }));
  return [emptyShape, ...shapes, handlerShape];
}

/** All images of an architecture. */
export function templateCode(machine: Machine): Code[] {
  const tables = templateShapes(machine).map((shape) => ({
    key: shapeKey(shape),
    bytes: machine.codeImage(shape, imageLength).bytes,
  }));
  const others = [
    machine.farewell(),
    machine.resume(),
    machine.faultHandler(imageLength),
    machine.glue(imageLength),
  ];
  return [
    ...tables,
    ...others.map(({ key, bytes }) => ({ key, bytes: machine.padCode(bytes, imageLength) })),
  ];
}

/** The method, with the code of one file. */
export function templateFrom(path: (architecture: string) => string): CodePageMethod {
  return {
    name: 'template',
    codeLength: imageLength,
    prepare({ key, bytes }) {
      const file = path(process.arch);
      const fd = open(file);
      try {
        const head = readHead(file, fd);
        const index = head.images.indexOf(key);
        if (index < 0) throw refusal(file, 'it has no code for this shape', 'ERR_NO_TEMPLATE');
        const code = fromFile(fd, {
          method: 'template',
          length: imageLength,
          offset: imageLength * (1 + index),
        });
        return {
          ...code,
          mapAt(address) {
            code.mapAt(address);
            if (Buffer.compare(new Uint8Array(memoryAt(address, imageLength)), bytes) !== 0) {
              throw refusal(file, 'its code is not what this version of trampfd makes');
            }
          },
        };
      } catch (error) {
        closeSync(fd);
        throw fromNode(`${attempt}: ${file}`, error);
      }
    },
  };
}

export const template = templateFrom(templatePath);

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw fromNode(`${attempt}: ${path}`, error);
  }
}

function readHead(path: string, fd: number): TemplateHead {
  const bytes = Buffer.alloc(imageLength);
  const length = readSync(fd, bytes, 0, imageLength, 0);
  const head = parseHead(bytes.subarray(0, length).toString('latin1'));
  if (head === undefined) throw refusal(path, 'it is no file of templates');
  const { registerFile } = thisMachine();
  if (head.version !== templateVersion) {
    throw refusal(
      path,
      `it is made for version ${head.version} of templates, and this is ${templateVersion}`,
    );
  }
  if (head.architecture !== registerFile.architecture) {
    throw refusal(path, `it is made for ${head.architecture}, and this is ${registerFile.architecture}`);
  }
  if (head.imageLength !== imageLength) {
    throw refusal(
      path,
      `its images have ${head.imageLength} bytes, and those of this version ${imageLength}`,
    );
  }
  if (imageLength % pageSize() !== 0) {
    throw refusal(path, `it is made for pages of ${imageLength} bytes or less, and these have ${pageSize()}`);
  }
  const expected = imageLength * (1 + head.images.length);
  const { size } = fstatSync(fd);
  if (size !== expected) throw refusal(path, `it has ${size} bytes where ${expected} should be`);
  return head;
}

function parseHead(text: string): TemplateHead | undefined {
  try {
    const head = JSON.parse(text.slice(0, text.indexOf('\n'))) as Partial<
      Record<keyof TemplateHead, unknown>
    >;
    const { version, architecture, imageLength, images } = head;
    if (typeof version !== 'number' || typeof imageLength !== 'number') return undefined;
    if (typeof architecture !== 'string' || !Array.isArray(images)) return undefined;
    return { version, architecture, imageLength, images };
  } catch {
    return undefined;
  }
}

function refusal(path: string, reason: string, code = 'ERR_TEMPLATE'): TrampfdError {
  return new TrampfdError(`Cannot ${attempt}: ${path}: ${reason}`, { code });
}
