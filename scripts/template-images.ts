/** The code in the file of templates that the package ships: see src/codepage/template-file.ts. */
import { unitLength } from '#src/codepage/template-file.js';
import { alignUp } from '#src/core/bits.js';
import { registerNumber } from '#src/core/registers.js';
import { emptyShape, handlerShape, type Shape, shapeKey } from '#src/core/shape.js';
import type { BuildCode } from '#src/machine/build/index.js';
import type { Machine } from '#src/machine/index.js';
import type { NamedCode } from '#src/machine/named-code.js';

/** Code for the file. */
export interface TemplateImage {
  readonly key: string;
  /** Bytes: whole units. */
  readonly length: number;
  /** Whether the code must begin a page of every page size. */
  readonly beginsBlock: boolean;
  /** Returns the code for data that begins `dataOffset` bytes after the start of the code. */
  readonly create: (dataOffset: number) => Uint8Array;
}

/**
 * Returns the shapes to ship: only a jump, each single register, each pair of argument registers, stubs for freed
 * trampolines, callbacks, handlers.
 */
function templateShapes({ registerFile, trampolines, ffi }: Machine): Shape[] {
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

/**
 * Bytes of code of most shapes. Short, since a file has many shapes; but each region takes two mappings, so entries,
 * callbacks and handlers, of which programs create most, have more.
 */
const slotsLength = unitLength;
const longSlotsLength = 4 * unitLength;

/** Returns all images of an architecture, in the order of the header. */
export function templateImages(machine: Machine, builder: BuildCode): TemplateImage[] {
  const { trampolines, ffi } = machine;
  const callbackShape: Shape = { registers: Object.values(ffi.callbackRegisters), stack: undefined };
  const long = [emptyShape, callbackShape, handlerShape];
  const longKeys = new Set(long.map(shapeKey));
  const slots = templateShapes(machine).map((shape): TemplateImage => {
    const key = shapeKey(shape);
    const length = longKeys.has(key) ? longSlotsLength : slotsLength;
    const create = (dataOffset: number) => trampolines.codeImage(shape, length, dataOffset).bytes;
    return { key, length, beginsBlock: false, create };
  });
  const standalone = (create: (dataOffset: number) => NamedCode, beginsBlock = false): TemplateImage => {
    const { key, bytes } = create(0);
    const length = alignUp(bytes.length, unitLength);
    return {
      key,
      length,
      beginsBlock,
      create: (dataOffset) => trampolines.padWithTraps(create(dataOffset).bytes, length),
    };
  };
  return [
    ...slots,
    standalone(() => trampolines.freedCallStub()),
    standalone(() => trampolines.restoreContext()),
    standalone((controlOffset) => trampolines.faultHandler(controlOffset)),
    // Its data is at a distance that is a multiple of the largest page: src/machine/glue-layout.ts.
    standalone(() => builder.glue(), true),
  ];
}
