/**
 * The shape of a trampoline: what makes trampolines share code bytes. Everything else about one is data,
 * and stands in its data slot in the same order on every architecture.
 */
import type { StackLayout } from './contexts.js';

export interface Shape {
  /** The registers to load besides the PC, as numbers of the C interface, ascending. */
  readonly registers: readonly number[];
  readonly stack: StackLayout | undefined;
}

/** The shape that only jumps. */
export const emptyShape: Shape = Object.freeze({ registers: Object.freeze([]), stack: undefined });

/** A data slot: 8-byte words for the PC, then the registers in order, then the stack data, padded. */
export interface DataLayout {
  /** Words of 8 bytes in a slot. */
  readonly words: number;
  /** Bytes in a slot. */
  readonly stride: number;
  /** Where the stack data begins, in bytes from the slot's start. */
  readonly stackAt: number;
}

export function dataLayout({ registers, stack }: Shape): DataLayout {
  const stackAt = 8 * (1 + registers.length);
  const stride = stackAt + Math.ceil((stack?.size ?? 0) / 8) * 8;
  return { words: stride / 8, stride, stackAt };
}

/** Equal for shapes that share code, different for others. */
export function shapeKey({ registers, stack }: Shape): string {
  const data = stack === undefined ? '' : `+${stack.size}@${stack.offset}${stack.setSp ? '!' : ''}`;
  return `${registers.join(',')}${data}`;
}
