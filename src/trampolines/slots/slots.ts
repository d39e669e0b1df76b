/**
 * A growing set of slots of one shape: which are live, which are free, where they are.
 *
 * Slots are numbered; the upper bits of a number tell the block, the lower 16 the place in it. Free slots
 * form a queue through the blocks' `links`. Slots of mapped blocks that were never used come first, then what was
 * freed longest ago, so that a use after free meets a trap for as long as possible. Bookkeeping is 4 bytes a slot.
 */
import { regionAlignment } from '../../codepage/regions.js';
import { dataLayout } from '../../core/shape.js';
import type { Block, BlockAllocator } from './block.js';

export type SlotNumber = number;

const slotBits = 16;
const slotMask = 2 ** slotBits - 1;
/** The last numbers stand for something else. */
const live = 0xffff_ffff;
const endOfList = 0xffff_fffe;
const maxBlocks = endOfList >>> slotBits;
const regionBits = Math.log2(regionAlignment);

/** Converts between 64-bit words and halves. One for all: JavaScript runs on one thread here. */
const scratchU64 = new BigUint64Array(1);
const scratchU32 = new Uint32Array(scratchU64.buffer);
const scratchF64 = new Float64Array(scratchU64.buffer);

export class Slots {
  readonly allocator: BlockAllocator;
  readonly blocks: Block[] = [];
  readonly #wordsPerSlot: number;
  readonly #stride: number;
  /** Where in a slot its trap stands; -1 when a free slot has a word of 0. */
  readonly #trapOffset: number;
  readonly #blockIndexByRegion = new Map<number, number>();
  /** The region that was looked up last, and its block. */
  #lastRegion = -1;
  #lastBlockIndex = 0;
  /** The queue of free slots. */
  #head = endOfList;
  #tail = endOfList;
  #size = 0;
  /** Slots in all blocks, and those of them that were never used. */
  #capacity = 0;
  #neverUsed = 0;
  /** The block that fresh slots come from; those before it are used up, those behind it untouched. */
  #currentBlockIndex = 0;
  #frozen = false;

  /** Called with every block that is mapped. A block that it refuses is given back. */
  onBlockMapped: ((block: Block) => void) | undefined;
  /** Called with every block that is given back while others stay. */
  onBlockReleased: ((block: Block) => void) | undefined;

  constructor(allocator: BlockAllocator) {
    this.allocator = allocator;
    this.#wordsPerSlot = dataLayout(allocator.shape).wordCount;
    this.#stride = allocator.stride;
    this.#trapOffset = allocator.trapOffset ?? -1;
    this.#mapBlock(1);
  }

  /** Live slots. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of memory for data and bookkeeping. Code is not counted: all tables of a shape share it. */
  get byteLength(): number {
    return this.blocks.reduce((sum, { dataLength, freeList }) => sum + dataLength + freeList.byteLength, 0);
  }

  /** Makes room for `count` more slots. After a refusal `dropUntouched` gives back what was mapped before it. */
  ensureFree(count: number): void {
    while (this.#capacity - this.#size < count) this.#mapBlock(count - (this.#capacity - this.#size));
  }

  /** Gives back the blocks that no slot was ever taken from. */
  releaseUnused(): void {
    while (this.blocks.length - 1 > this.#currentBlockIndex) {
      const block = this.blocks.pop()!;
      this.#blockIndexByRegion.delete(regionNumber(block));
      this.#lastRegion = -1;
      this.#capacity -= block.freeList.length;
      this.#neverUsed -= block.freeList.length;
      this.onBlockReleased?.(block);
      this.allocator.release(block);
    }
  }

  /** Takes a slot, one that was never used if there is one. Its PC still traps. */
  allocate(): SlotNumber {
    if (this.#neverUsed === 0 && this.#head === endOfList) this.#mapBlock(1);
    const slot = this.#neverUsed > 0 ? this.#allocateNeverUsed() : this.#allocateFreed();
    this.#size++;
    return slot;
  }

  /** Lets a slot trap and queues it for reuse. */
  free(slot: SlotNumber): void {
    this.deactivate(slot);
    this.makeReusable(slot);
  }

  /** Queues a slot for reuse; what it does meanwhile is the caller's affair. */
  makeReusable(slot: SlotNumber): void {
    this.blocks[slot >>> slotBits]!.freeList[slot & slotMask] = endOfList;
    if (this.#tail === endOfList) this.#head = slot;
    else this.blocks[this.#tail >>> slotBits]!.freeList[this.#tail & slotMask] = slot;
    this.#tail = slot;
    this.#size--;
  }

  /** Lets a slot trap: its jump leads to its own trap, so that the address of the fault tells the slot. */
  deactivate(slot: SlotNumber): void {
    const block = this.blocks[slot >>> slotBits]!;
    const indexInBlock = slot & slotMask;
    const wordIndex = indexInBlock * this.#wordsPerSlot;
    if (this.#trapOffset < 0) {
      block.f64[wordIndex] = 0;
      return;
    }
    // One store, since others may invoke it meanwhile; without making a BigInt.
    const low = block.low + indexInBlock * this.#stride + this.#trapOffset;
    if (block.u32[2 * wordIndex + 1] === block.high) {
      block.u32[2 * wordIndex] = low;
    } else {
      scratchU32[0] = low;
      scratchU32[1] = block.high;
      // An address in user space is never the pattern of a NaN, which an engine may change.
      block.f64[wordIndex] = scratchF64[0]!;
    }
  }

  /** The slot of an address that a slot begins at, live or not; -1 when there is none. */
  slotAt(address: bigint): SlotNumber {
    if (typeof address !== 'bigint' || BigInt.asUintN(64, address) !== address) return -1;
    scratchU64[0] = address;
    const low = scratchU32[0]!;
    // The address divided by the alignment of regions.
    const region = scratchU32[1]! * (2 ** 32 / regionAlignment) + (low >>> regionBits);
    if (region !== this.#lastRegion) {
      const blockIndex = this.#blockIndexByRegion.get(region);
      if (blockIndex === undefined) return -1;
      this.#lastRegion = region;
      this.#lastBlockIndex = blockIndex;
    }
    const blockIndex = this.#lastBlockIndex;
    const offset = low & (regionAlignment - 1);
    const indexInBlock = (offset / this.#stride) | 0;
    if (indexInBlock * this.#stride !== offset || indexInBlock >= this.blocks[blockIndex]!.allocated)
      return -1;
    return ((blockIndex << slotBits) | indexInBlock) >>> 0;
  }

  isLive(slot: SlotNumber): boolean {
    return this.blocks[slot >>> slotBits]!.freeList[slot & slotMask] === live;
  }

  /** The address to call. */
  address(slot: SlotNumber): bigint {
    const block = this.blocks[slot >>> slotBits]!;
    scratchU32[0] = block.low + (slot & slotMask) * this.#stride;
    scratchU32[1] = block.high;
    return scratchU64[0]!;
  }

  block(slot: SlotNumber): Block {
    return this.blocks[slot >>> slotBits]!;
  }

  /** Where in its block a slot is. */
  indexInBlock(slot: SlotNumber): number {
    return slot & slotMask;
  }

  /** Returns the invocation counters of a slot in a slow block. */
  counters(slot: SlotNumber): readonly [invocations: bigint, refusals: bigint] {
    return this.allocator.readCounters!(this.blocks[slot >>> slotBits]!, slot & slotMask);
  }

  /** Puts the address to call into a list, without making a BigInt. */
  writeAddress(slot: SlotNumber, addresses: Uint32Array, index: number): void {
    const block = this.blocks[slot >>> slotBits]!;
    addresses[2 * index] = block.low + (slot & slotMask) * this.#stride;
    addresses[2 * index + 1] = block.high;
  }

  /** Writes a slot that nobody calls yet: its data, given in halves, the PC last. */
  writeNew(slot: SlotNumber, data: Uint32Array): void {
    const { u32 } = this.blocks[slot >>> slotBits]!;
    const start = 2 * (slot & slotMask) * this.#wordsPerSlot;
    for (let index = 2 * this.#wordsPerSlot - 1; index > 5; index--) u32[start + index] = data[index]!;
    // Three words are the most that nearly all have: a loop would take longer than all the rest.
    if (this.#wordsPerSlot > 2) {
      u32[start + 5] = data[5]!;
      u32[start + 4] = data[4]!;
    }
    if (this.#wordsPerSlot > 1) {
      u32[start + 3] = data[3]!;
      u32[start + 2] = data[2]!;
    }
    u32[start + 1] = data[1]!;
    u32[start] = data[0]!;
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

  /** Replaces one word of a slot that may be invoked at this moment. */
  storeWord(slot: SlotNumber, wordIndex: number, value: bigint): void {
    Atomics.store(
      this.blocks[slot >>> slotBits]!.u64,
      (slot & slotMask) * this.#wordsPerSlot + wordIndex,
      value,
    );
  }

  /** One word of a slot. */
  loadWord(slot: SlotNumber, wordIndex: number): bigint {
    return this.blocks[slot >>> slotBits]!.u64[(slot & slotMask) * this.#wordsPerSlot + wordIndex]!;
  }

  /** A copy of a slot's data. */
  read(slot: SlotNumber): BigUint64Array<ArrayBuffer> {
    const start = (slot & slotMask) * this.#wordsPerSlot;
    return this.blocks[slot >>> slotBits]!.u64.slice(
      start,
      start + this.#wordsPerSlot,
    ) as BigUint64Array<ArrayBuffer>;
  }

  /** All live slots. */
  *[Symbol.iterator](): Generator<SlotNumber> {
    for (let blockIndex = 0; blockIndex < this.blocks.length; blockIndex++) {
      // All may be closed between two steps.
      for (let indexInBlock = 0; indexInBlock < (this.blocks[blockIndex]?.allocated ?? 0); indexInBlock++) {
        if (this.blocks[blockIndex]!.freeList[indexInBlock] === live)
          yield ((blockIndex << slotBits) | indexInBlock) >>> 0;
      }
    }
  }

  /** Makes all data read-only for good, as far as the kernel can. It stays mapped even when closed. */
  freeze(): void {
    this.#frozen = true;
    for (const block of this.blocks) this.allocator.freeze(block);
  }

  /** Gives all memory back. */
  close(): void {
    if (!this.#frozen) for (const block of this.blocks) this.allocator.release(block);
    this.blocks.length = 0;
    this.#blockIndexByRegion.clear();
    this.#lastRegion = -1;
    this.#size = 0;
  }

  #allocateNeverUsed(): SlotNumber {
    let block = this.blocks[this.#currentBlockIndex]!;
    if (block.allocated === block.freeList.length) block = this.blocks[++this.#currentBlockIndex]!;
    const indexInBlock = block.allocated++;
    block.freeList[indexInBlock] = live;
    this.#neverUsed--;
    return ((this.#currentBlockIndex << slotBits) | indexInBlock) >>> 0;
  }

  #allocateFreed(): SlotNumber {
    const slot = this.#head;
    const freeList = this.blocks[slot >>> slotBits]!.freeList;
    const indexInBlock = slot & slotMask;
    this.#head = freeList[indexInBlock]!;
    if (this.#head === endOfList) this.#tail = endOfList;
    freeList[indexInBlock] = live;
    return slot;
  }

  #mapBlock(slotHint: number): Block {
    if (this.blocks.length === maxBlocks) throw new RangeError('A table cannot hold more trampolines');
    const block = this.allocator.allocate(slotHint, this.blocks.length);
    try {
      this.onBlockMapped?.(block);
    } catch (error) {
      this.allocator.release(block);
      throw error;
    }
    this.#blockIndexByRegion.set(regionNumber(block), this.blocks.length);
    this.blocks.push(block);
    this.#capacity += block.freeList.length;
    this.#neverUsed += block.freeList.length;
    return block;
  }
}

/** The address of a block's code, divided by the alignment of regions. */
function regionNumber({ code }: Block): number {
  return Number(code / BigInt(regionAlignment));
}
