/**
 * The shape of a trampoline: what makes trampolines share code bytes. Everything else about one is data,
 * and stands in its data slot in the same order on every architecture.
 */
import { alignUp } from './bits.js';
import type { StackLayout } from './contexts.js';

/**
 * What the code of a trampoline does. `user` loads registers, writes stack data and jumps. `handler` saves all
 * registers, calls, and loads what it is left.
 */
export type TrampolineType = 'user' | 'handler';

export interface Shape {
  /** Without one, `user`. */
  readonly type?: TrampolineType;
  /** The registers to load besides the PC, as numbers of the C interface, ascending. */
  readonly registers: readonly number[];
  readonly stack: StackLayout | undefined;
}

/** The shape that only jumps. */
export const emptyShape: Shape = Object.freeze({ registers: Object.freeze([]), stack: undefined });

/** The shape of all trampolines that call handlers. */
export const handlerShape: Shape = Object.freeze({ ...emptyShape, type: 'handler' });

/** The words of its data slots. */
export const handlerSlotLayout = { handler: 0, trampoline: 1, wordCount: 2 } as const;

/** A data slot: 8-byte words for the PC, then the registers in order, then the stack data, padded. */
export interface DataLayout {
  /** Words of 8 bytes in a slot. */
  readonly wordCount: number;
  /** Bytes in a slot. */
  readonly stride: number;
  /** Where the stack data begins, in bytes from the slot's start. */
  readonly stackDataOffset: number;
}

export function dataLayout({ type, registers, stack }: Shape): DataLayout {
  const stackDataOffset = 8 * (type === 'handler' ? handlerSlotLayout.wordCount : 1 + registers.length);
  const stride = stackDataOffset + alignUp(stack?.size ?? 0, 8);
  return { wordCount: stride / 8, stride, stackDataOffset };
}

/** Equal for shapes that share code, different for others. */
export function shapeKey({ type, registers, stack }: Shape): string {
  if (type === 'handler') return type;
  const stackKey = stack === undefined ? '' : `+${stack.size}@${stack.offset}${stack.setSp ? '!' : ''}`;
  return `${registers.join(',')}${stackKey}`;
}
