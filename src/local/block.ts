/**
 * A block: a range of addresses that trampolines can have, the data behind them, and what JavaScript needs to
 * know of its slots. There are two kinds, fast ones with code and slow ones without; {@link Slots} knows both
 * by this interface.
 */
import type { Shape } from '../trampoline/shape.js';

/** The data slots; the same bytes three ways. */
export interface Views {
  words: BigUint64Array;
  halves: Uint32Array;
  floats: Float64Array;
}

export interface Block extends Views {
  /** The address of the first slot: a multiple of `regionAlignment`. The same in halves. */
  readonly code: bigint;
  readonly low: number;
  readonly high: number;
  /** Bytes of code, slots together with what is behind them; no more than `regionAlignment`. */
  readonly codeLength: number;
  /** Where trampolines read their data, and how many bytes they have. */
  readonly data: bigint;
  readonly dataLength: number;
  /** How the code was made. */
  readonly method: string;
  /** For every slot: that it is live, or the next free slot behind it. */
  readonly links: Uint32Array;
  /** Slots taken so far, counted from the first. */
  used: number;
}

/** Where a table's blocks come from. */
export interface BlockSource<Kind extends Block = Block> {
  /** What the slots hold. */
  readonly shape: Shape;
  /** Bytes from one slot's address to the next. */
  readonly stride: number;
  /** Where in a slot the trap stands that a free one jumps to; without code, the word of a free one is 0. */
  readonly trapAt: number | undefined;
  /** @param index how many blocks the table has; @param wanted how many slots would be welcome */
  open(wanted: number, index: number): Kind;
  /** Gives everything back. The views are dead afterwards. */
  close(block: Kind): void;
  /** Makes the data read-only for good. The block stays mapped. */
  freeze(block: Kind): void;
}

export function viewsOf(bytes: ArrayBuffer, offset = 0, length = bytes.byteLength): Views {
  return {
    words: new BigUint64Array(bytes, offset, length / 8),
    halves: new Uint32Array(bytes, offset, length / 4),
    floats: new Float64Array(bytes, offset, length / 8),
  };
}

/** An address in halves. */
export function halvesOf(address: bigint): { low: number; high: number } {
  return { low: Number(address & 0xffff_ffffn), high: Number(address >> 32n) };
}
