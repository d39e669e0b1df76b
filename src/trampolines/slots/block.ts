/**
 * A block: a range of addresses that trampolines can have, the data behind them, and what JavaScript needs to
 * know of its slots. There are two kinds, fast ones with code and slow ones without; {@link Slots} knows both
 * by this interface.
 */
import type { Shape } from '../../core/shape.js';

/** The data slots; the same bytes three ways. */
export interface SlotViews {
  u64: BigUint64Array;
  u32: Uint32Array;
  f64: Float64Array;
}

export interface Block extends SlotViews {
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
  readonly codeSource: string;
  /** For every slot: that it is live, or the next free slot behind it. */
  readonly freeList: Uint32Array;
  /** Slots taken so far, counted from the first. */
  allocated: number;
}

/** Where a table's blocks come from. */
export interface BlockAllocator<BlockType extends Block = Block> {
  /** What the slots hold. */
  readonly shape: Shape;
  /** Bytes from one slot's address to the next. */
  readonly stride: number;
  /** Where in a slot the trap stands that a free one jumps to; without code, the word of a free one is 0. */
  readonly trapOffset: number | undefined;
  /** @param blockIndex how many blocks the table has; @param slotHint how many slots would be welcome */
  allocate(slotHint: number, blockIndex: number): BlockType;
  /** Gives everything back. The views are dead afterwards. */
  release(block: BlockType): void;
  /** Makes the data read-only for good. The block stays mapped. */
  freeze(block: BlockType): void;
  /** Slow blocks: returns how often a slot was invoked, and how many of these invocations were refused. */
  readCounters?(block: BlockType, indexInBlock: number): readonly [invocations: bigint, refusals: bigint];
}

export function createSlotViews(buffer: ArrayBuffer, offset = 0, length = buffer.byteLength): SlotViews {
  return {
    u64: new BigUint64Array(buffer, offset, length / 8),
    u32: new Uint32Array(buffer, offset, length / 4),
    f64: new Float64Array(buffer, offset, length / 8),
  };
}

/** An address in halves. */
export function splitAddress(address: bigint): { low: number; high: number } {
  return { low: Number(address & 0xffff_ffffn), high: Number(address >> 32n) };
}
