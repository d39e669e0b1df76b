/** The code in the file of templates that the package ships: see src/codepage/template.ts. */
import type { CodeBlob } from '#src/codepage/code-page-method.js';
import { imageLength } from '#src/codepage/template.js';
import { registerNumber } from '#src/core/registers.js';
import { emptyShape, handlerShape, type Shape, shapeKey } from '#src/core/shape.js';
import type { BuildCode } from '#src/machine/build/index.js';
import type { Machine } from '#src/machine/index.js';

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

/** Returns all images of an architecture, in file order. */
export function templateImages(machine: Machine, builder: BuildCode): CodeBlob[] {
  const { trampolines } = machine;
  const slotImages = templateShapes(machine).map((shape) => ({
    key: shapeKey(shape),
    bytes: trampolines.codeImage(shape, imageLength).bytes,
  }));
  const standaloneCode = [
    trampolines.freedCallStub(),
    trampolines.restoreContext(),
    trampolines.faultHandler(imageLength),
    builder.glue(),
  ];
  return [
    ...slotImages,
    ...standaloneCode.map(({ key, bytes }) => ({ key, bytes: trampolines.padWithTraps(bytes, imageLength) })),
  ];
}
