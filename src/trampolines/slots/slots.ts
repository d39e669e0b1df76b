/**
 * A growing set of slots of one shape, and their allocation.
 *
 * The upper bits of a slot number are the block's index, the lower 16 the index in the block. Free slots form a queue
 * through the blocks' `freeList`. Slots that were never used are allocated first, then those that were freed longest
 * ago, so that a use after free traps for as long as possible. Bookkeeping takes 4 bytes per slot, in memory that the
 * kernel provides only if the first slot of a page is freed.
 */
import { regionAlignment } from '../../codepage/regions.js';
import { dataLayout } from '../../core/shape.js';
import { copyWords, fillWords } from '../../native/words.js';
import { type Block, type BlockAllocator, mantissaBits } from './block.js';

export type SlotNumber = number;

const slotBits = 16;
const slotMask = 2 ** slotBits - 1;
/** Entries of `freeList`: 0 for a live slot, so that creating one need not write it, or the next slot's number + 1. */
const live = 0;
const endOfList = -1;
/** All numbers of slots are below 2^31, so that V8 represents them as small integers. */
const maxBlocks = 2 ** (31 - slotBits) - 1;
const regionBits = Math.log2(regionAlignment);

/** Converts between words, their 32-bit halves and doubles. Shared: one thread runs this module's JavaScript. */
const scratchU64 = new BigUint64Array(1);
const scratchU32 = new Uint32Array(scratchU64.buffer);
const scratchF64 = new Float64Array(scratchU64.buffer);

/** The values of one data word of many slots: one for each, or the same for all if `step` is 0. */
export interface WordColumn {
  readonly words: BigUint64Array;
  readonly step: 0 | 1;
}

/** Consecutive slots of one block. */
interface SlotRun {
  readonly block: Block;
  /** Index of the first one in the block. */
  readonly first: number;
  readonly length: number;
}

export class Slots {
  readonly allocator: BlockAllocator;
  readonly blocks: Block[] = [];
  readonly #wordsPerSlot: number;
  readonly #stride: number;
  /** Offset of the trap in a slot; -1 if the word of a free slot is 0. */
  readonly #trapOffset: number;
  readonly #blockIndexByRegion = new Map<number, number>();
  /** Cache of the last lookup by address; -1: none. */
  #lastRegion = -1;
  #lastBlockIndex = 0;
  #lastHigh = -1;
  /** Offset of the first slot of that block from the multiple of `regionAlignment` before it. */
  #lastStart = 0;
  /** The queue of free slots: the first one as an entry of `freeList`, the last one as a slot number. */
  #head = endOfList;
  #tail = 0;
  #size = 0;
  /** Slots in all blocks, and how many of them were never used. */
  #capacity = 0;
  #neverUsed = 0;
  /** The block of the next slot that was never used: earlier blocks have none, later ones nothing else. */
  #currentBlockIndex = 0;
  #frozen = false;

  /** Called after a block is mapped. If it throws, the block is released. */
  onBlockMapped: ((block: Block) => void) | undefined;
  /** Called before `releaseUnused` releases a block. */
  onBlockReleased: ((block: Block) => void) | undefined;

  constructor(allocator: BlockAllocator) {
    this.allocator = allocator;
    this.#wordsPerSlot = dataLayout(allocator.shape).wordCount;
    this.#stride = allocator.stride;
    this.#trapOffset = allocator.trapOffset ?? -1;
    this.#mapBlock(1);
  }

  get #free(): number {
    return this.#capacity - this.#size;
  }

  /** Number of live slots. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of memory for data and bookkeeping. Code is not counted: tables of one shape share it. */
  get byteLength(): number {
    return this.blocks.reduce((sum, { dataLength, freeList }) => sum + dataLength + freeList.byteLength, 0);
  }

  /**
   * Maps blocks for `count` more slots. After an error, `releaseUnused` releases those that were mapped.
   * @param written whether the caller writes all of them at once; otherwise they trap
   */
  ensureFree(count: number, written = false): void {
    for (let missing = count - this.#free; missing > 0; missing = count - this.#free)
      this.#mapBlock(missing, written ? missing : 0);
  }

  /** Releases the blocks whose slots were never used. */
  releaseUnused(): void {
    while (this.blocks.length - 1 > this.#currentBlockIndex) {
      const block = this.blocks.pop()!;
      this.#blockIndexByRegion.delete(regionOf(block.low, block.high));
      this.#lastRegion = -1;
      this.#lastHigh = -1;
      this.#capacity -= block.freeList.length;
      this.#neverUsed -= block.freeList.length;
      this.onBlockReleased?.(block);
      this.allocator.release(block);
    }
  }

  /**
   * Allocates slots and writes their data words by column, and their addresses to an array. The columns may be that
   * array: the values of a slot are read before its address is written. `ensureFree` has mapped the slots.
   */
  allocateMany(count: number, columns: readonly WordColumn[], addresses: BigUint64Array): void {
    for (let index = 0; index < count; ) {
      const { block, first, length } = this.#allocateRun(count - index);
      const step = this.#wordsPerSlot;
      // No thread invokes them yet. The PC is last, as in `writeNew`.
      for (let word = columns.length - 1; word >= 0; word--) {
        const column = columns[word]!;
        const target = { words: block.u64, start: first * step + word, step };
        copyWords(target, { ...column, start: index * column.step }, length);
      }
      const address = block.code + BigInt(first * this.#stride);
      fillWords({ words: addresses, start: index, step: 1 }, address, this.#stride, length);
      index += length;
    }
  }

  /** Allocates a slot; it traps until its data is written. */
  allocate(): SlotNumber {
    if (this.#neverUsed === 0 && this.#head === endOfList) this.#mapBlock(1);
    const slot = this.#neverUsed > 0 ? this.#allocateNeverUsed() : this.#allocateFreed();
    this.#size++;
    return slot;
  }

  /** Makes a slot trap and queues it for reuse. */
  free(slot: SlotNumber): void {
    this.deactivate(slot);
    this.makeReusable(slot);
  }

  /** Queues a slot for reuse, without changing its data. */
  makeReusable(slot: SlotNumber): void {
    this.blocks[slot >>> slotBits]!.freeList[slot & slotMask] = endOfList;
    if (this.#head === endOfList) this.#head = slot + 1;
    else this.blocks[this.#tail >>> slotBits]!.freeList[this.#tail & slotMask] = slot + 1;
    this.#tail = slot;
    this.#size--;
  }

  /** Makes a slot jump to its own trap, so that the address of the fault identifies the slot. */
  deactivate(slot: SlotNumber): void {
    const { u64 } = this.blocks[slot >>> slotBits]!;
    // One store, since other threads may be invoking it.
    u64[(slot & slotMask) * this.#wordsPerSlot] =
      this.#trapOffset < 0 ? 0n : this.#addressIn(slot, this.#trapOffset);
  }

  /** Returns the slot, live or not, whose address this is; -1 if there is none. */
  slotAt(address: bigint): SlotNumber {
    if (typeof address !== 'bigint' || BigInt.asUintN(64, address) !== address) return -1;
    scratchU64[0] = address;
    const low = scratchU32[0]!;
    const high = scratchU32[1]!;
    const region = regionOf(low, high);
    if (region !== this.#lastRegion && !this.#selectRegion(region)) return -1;
    // Addresses that are not in user space can have the same number.
    if (high !== this.#lastHigh) return -1;
    const blockIndex = this.#lastBlockIndex;
    const offset = (low & (regionAlignment - 1)) - this.#lastStart;
    const indexInBlock = (offset / this.#stride) | 0;
    if (offset < 0 || indexInBlock * this.#stride !== offset) return -1;
    if (indexInBlock >= this.blocks[blockIndex]!.allocated) return -1;
    return (blockIndex << slotBits) | indexInBlock;
  }

  /** Returns whether a block is in the region. */
  #selectRegion(region: number): boolean {
    const blockIndex = this.#blockIndexByRegion.get(region);
    if (blockIndex === undefined) return false;
    this.#lastRegion = region;
    this.#lastBlockIndex = blockIndex;
    const { low, high } = this.blocks[blockIndex]!;
    this.#lastStart = low & (regionAlignment - 1);
    this.#lastHigh = high;
    return true;
  }

  isLive(slot: SlotNumber): boolean {
    return this.blocks[slot >>> slotBits]!.freeList[slot & slotMask] === live;
  }

  /** Returns the address to call. */
  address(slot: SlotNumber): bigint {
    return this.#addressIn(slot, 0);
  }

  block(slot: SlotNumber): Block {
    return this.blocks[slot >>> slotBits]!;
  }

  /** Returns the index of a slot in its block. */
  indexInBlock(slot: SlotNumber): number {
    return slot & slotMask;
  }

  /** Returns the invocation counters of a slot in a slow block. */
  counters(slot: SlotNumber): readonly [invocations: bigint, refusals: bigint] {
    return this.allocator.readCounters!(this.blocks[slot >>> slotBits]!, slot & slotMask);
  }

  /** Writes the data words of a slot that no thread invokes yet, the PC last. @param data may be longer */
  writeNew(slot: SlotNumber, data: BigUint64Array): void {
    const { u64 } = this.blocks[slot >>> slotBits]!;
    const start = (slot & slotMask) * this.#wordsPerSlot;
    for (let index = this.#wordsPerSlot - 1; index >= 0; index--) u64[start + index] = data[index]!;
  }

  /**
   * Does the same as `writeNew` for slots of three words, with the halves as arguments. It is a method of its own, and
   * kept small, so that V8 inlines it where callbacks are created.
   */
  fillThreeWords(
    slot: SlotNumber,
    pcLo: number,
    pcHi: number,
    secondLo: number,
    secondHi: number,
    thirdLo: number,
    thirdHi: number,
  ): void {
    const { u32 } = this.blocks[slot >>> slotBits]!;
    const start = 6 * (slot & slotMask);
    u32[start + 2] = secondLo;
    u32[start + 3] = secondHi;
    u32[start + 4] = thirdLo;
    u32[start + 5] = thirdHi;
    u32[start + 1] = pcHi;
    u32[start] = pcLo;
  }

  /** Replaces one word of a slot that other threads may be invoking. */
  storeWord(slot: SlotNumber, wordIndex: number, value: bigint): void {
    Atomics.store(
      this.blocks[slot >>> slotBits]!.u64,
      (slot & slotMask) * this.#wordsPerSlot + wordIndex,
      value,
    );
  }

  /** Returns one word of a slot. */
  loadWord(slot: SlotNumber, wordIndex: number): bigint {
    return this.blocks[slot >>> slotBits]!.u64[(slot & slotMask) * this.#wordsPerSlot + wordIndex]!;
  }

  /** Returns a copy of a slot's data words. */
  read(slot: SlotNumber): BigUint64Array<ArrayBuffer> {
    const start = (slot & slotMask) * this.#wordsPerSlot;
    return this.blocks[slot >>> slotBits]!.u64.slice(
      start,
      start + this.#wordsPerSlot,
    ) as BigUint64Array<ArrayBuffer>;
  }

  /** Iterates over the live slots. */
  *[Symbol.iterator](): Generator<SlotNumber> {
    for (let blockIndex = 0; blockIndex < this.blocks.length; blockIndex++) {
      // The consumer may close everything between two steps.
      for (let indexInBlock = 0; indexInBlock < (this.blocks[blockIndex]?.allocated ?? 0); indexInBlock++) {
        if (this.blocks[blockIndex]!.freeList[indexInBlock] === live)
          yield (blockIndex << slotBits) | indexInBlock;
      }
    }
  }

  /** Makes all data permanently read-only, as far as the kernel supports it. It stays mapped even after `close`. */
  freeze(): void {
    this.#frozen = true;
    for (const block of this.blocks) this.allocator.freeze(block);
  }

  /** Frees all memory. */
  close(): void {
    if (!this.#frozen) for (const block of this.blocks) this.allocator.release(block);
    this.blocks.length = 0;
    this.#blockIndexByRegion.clear();
    this.#lastRegion = -1;
    this.#size = 0;
  }

  /** Returns an address in a slot. Computed as a double, since V8 would convert a number to a BigInt by a call. */
  #addressIn(slot: SlotNumber, offset: number): bigint {
    scratchF64[0] =
      this.blocks[slot >>> slotBits]!.codeAsMantissa + (slot & slotMask) * this.#stride + offset;
    return BigInt.asUintN(mantissaBits, scratchU64[0]!);
  }

  #allocateNeverUsed(): SlotNumber {
    const indexInBlock = this.#blockWithNeverUsed().allocated++;
    this.#neverUsed--;
    return (this.#currentBlockIndex << slotBits) | indexInBlock;
  }

  #allocateFreed(): SlotNumber {
    const slot = this.#head - 1;
    const freeList = this.blocks[slot >>> slotBits]!.freeList;
    const indexInBlock = slot & slotMask;
    this.#head = freeList[indexInBlock]!;
    freeList[indexInBlock] = live;
    return slot;
  }

  /** Allocates up to `maxLength` slots, at least one, in the order of `allocate`. */
  #allocateRun(maxLength: number): SlotRun {
    if (this.#neverUsed === 0) {
      const slot = this.allocate();
      return { block: this.block(slot), first: this.indexInBlock(slot), length: 1 };
    }
    const block = this.#blockWithNeverUsed();
    const first = block.allocated;
    const length = Math.min(maxLength, block.freeList.length - first);
    block.allocated += length;
    this.#neverUsed -= length;
    this.#size += length;
    return { block, first, length };
  }

  #blockWithNeverUsed(): Block {
    const block = this.blocks[this.#currentBlockIndex]!;
    return block.allocated < block.freeList.length ? block : this.blocks[++this.#currentBlockIndex]!;
  }

  /** @param writtenCount see `BlockAllocator` */
  #mapBlock(slotHint: number, writtenCount = 0): Block {
    if (this.blocks.length === maxBlocks) throw new RangeError('A table cannot hold more trampolines');
    const block = this.allocator.allocate(slotHint, this.blocks.length, writtenCount);
    try {
      this.onBlockMapped?.(block);
    } catch (error) {
      this.allocator.release(block);
      throw error;
    }
    this.#blockIndexByRegion.set(regionOf(block.low, block.high), this.blocks.length);
    this.blocks.push(block);
    this.#capacity += block.freeList.length;
    this.#neverUsed += block.freeList.length;
    return block;
  }
}

/** Returns the number of an address's region: an integer of 32 bits, which V8 compares fastest. */
function regionOf(low: number, high: number): number {
  return (high << (32 - regionBits)) | (low >>> regionBits);
}
