/** Encodes the contexts of a single trampoline as the data words of a slot. */
import type { RegisterContext, StackContext } from '../core/contexts.js';
import { limits } from '../core/limits.js';
import { dataLayout, type Shape } from '../core/shape.js';

export function shapeOf({ layout }: RegisterContext, stack: StackContext | undefined): Shape {
  return stack === undefined ? layout.shape : { ...layout.shape, stack };
}

/** Large enough for the data words of any trampoline. */
const scratchU64 = new BigUint64Array(limits.registers + limits.stackSize / 8);
const scratchU8 = new Uint8Array(scratchU64.buffer);

/** Returns the data words. The array may be longer, and is valid until the next call. */
export function encodeContexts(
  shape: Shape,
  { words }: RegisterContext,
  stack: StackContext | undefined,
): BigUint64Array {
  for (let index = 0; index < words.length; index++) scratchU64[index] = words[index]!;
  if (stack !== undefined) {
    const { stackDataOffset, stride } = dataLayout(shape);
    scratchU8.fill(0, stackDataOffset, stride);
    scratchU8.set(stack.data, stackDataOffset);
  }
  return scratchU64;
}
