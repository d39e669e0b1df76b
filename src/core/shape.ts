/**
 * The shape of a trampoline: trampolines of equal shape share code. Everything else is data, stored in the
 * trampoline's data slot in the same order on every architecture.
 */
import { alignUp } from './bits.js';
import type { StackLayout } from './contexts.js';

/**
 * The type of code. `user` loads registers, writes stack data and jumps. `handler` saves all registers, calls a
 * handler, and loads the registers from the block that the handler may have changed.
 */
export type TrampolineType = 'user' | 'handler';

export interface Shape {
  /** Default: `user`. */
  readonly type?: TrampolineType;
  /** Registers to load besides the PC: numbers of the C interface, ascending. */
  readonly registers: readonly number[];
  readonly stack: StackLayout | undefined;
}

/** The shape of a trampoline that only jumps. */
export const emptyShape: Shape = Object.freeze({ registers: Object.freeze([]), stack: undefined });

/** The shape of all register handlers. */
export const handlerShape: Shape = Object.freeze({ ...emptyShape, type: 'handler' });

/** Indexes of the words in a data slot of {@link handlerShape}, and their count. */
export const handlerSlotLayout = { handler: 0, trampoline: 1, wordCount: 2 } as const;

/** Layout of a data slot: 8-byte words for the PC, then the registers in order, then the stack data, padded. */
export interface DataLayout {
  /** 8-byte words in a slot. */
  readonly wordCount: number;
  /** Bytes in a slot. */
  readonly stride: number;
  /** Byte offset of the stack data in the slot. */
  readonly stackDataOffset: number;
}

export function dataLayout({ type, registers, stack }: Shape): DataLayout {
  const stackDataOffset = 8 * (type === 'handler' ? handlerSlotLayout.wordCount : 1 + registers.length);
  const stride = stackDataOffset + alignUp(stack?.size ?? 0, 8);
  return { wordCount: stride / 8, stride, stackDataOffset };
}

/** Returns a string that is equal for shapes that share code, and only for those. */
export function shapeKey({ type, registers, stack }: Shape): string {
  if (type === 'handler') return type;
  const stackKey = stack === undefined ? '' : `+${stack.size}@${stack.offset}${stack.setSp ? '!' : ''}`;
  return `${registers.join(',')}${stackKey}`;
}
