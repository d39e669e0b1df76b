/**
 * A block: a range of addresses of trampolines, their data, and the bookkeeping of its slots. Fast blocks have code,
 * slow ones have none; {@link Slots} uses both through this interface.
 */
import type { Shape } from '../../core/shape.js';

/** Two views of the bytes of the data slots. */
export interface SlotViews {
  u64: BigUint64Array;
  u32: Uint32Array;
}

export interface Block extends SlotViews {
  /** The address of the first slot. The whole block is between two multiples of `regionAlignment`. */
  readonly code: bigint;
  /** The same address as 32-bit halves. */
  readonly low: number;
  readonly high: number;
  /** The same address plus 2^52: a double whose lowest `mantissaBits` bits are the address. */
  readonly codeAsMantissa: number;
  /** Bytes of code, the slots and everything after them; at most `regionAlignment`. */
  readonly codeLength: number;
  /** The address at which trampolines read their data. */
  readonly data: bigint;
  /** In bytes. */
  readonly dataLength: number;
  /** How the code was mapped. */
  readonly codeSource: string;
  /** For every slot that was ever allocated: whether it is live, or else its successor among the free ones; see `Slots`. */
  readonly freeList: Int32Array;
  /** Number of slots that were ever allocated; they are the first ones. */
  allocated: number;
}

/** Allocates the blocks of a table. */
export interface BlockAllocator<BlockType extends Block = Block> {
  /** The shape of the trampolines, which determines the data words. */
  readonly shape: Shape;
  /** Distance between the addresses of two slots, in bytes. */
  readonly stride: number;
  /** Offset in a slot of the trap that a free slot jumps to; `undefined` without code: a free slot's word is 0. */
  readonly trapOffset: number | undefined;
  /**
   * @param slotHint number of slots requested
   * @param blockIndex number of blocks that the table already has
   * @param writtenCount number of slots, the first ones, that the caller writes at once; the others trap
   */
  allocate(slotHint: number, blockIndex: number, writtenCount: number): BlockType;
  /** Frees a block. Its views must not be used any more. */
  release(block: BlockType): void;
  /** Makes the data permanently read-only. The block stays mapped. */
  freeze(block: BlockType): void;
  /** Slow blocks: returns how often a slot was invoked, and how many of these invocations were refused. */
  readCounters?(block: BlockType, indexInBlock: number): readonly [invocations: bigint, refusals: bigint];
}

export function createSlotViews(buffer: ArrayBuffer, offset = 0, length = buffer.byteLength): SlotViews {
  return {
    u64: new BigUint64Array(buffer, offset, length / 8),
    u32: new Uint32Array(buffer, offset, length / 4),
  };
}

/** Bits of a double's mantissa (IEEE 754), more than those of an address in user space. */
export const mantissaBits = 52;

/** Returns forms of an address that can be added to without a BigInt. */
export function addressForms(address: bigint): Pick<Block, 'low' | 'high' | 'codeAsMantissa'> {
  return {
    low: Number(address & 0xffff_ffffn),
    high: Number(address >> 32n),
    codeAsMantissa: 2 ** mantissaBits + Number(address),
  };
}
