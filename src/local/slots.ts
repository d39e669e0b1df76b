/**
 * A growing set of slots of one shape: which are live, which are free, where they are.
 *
 * Slots are numbered; the upper bits of a number tell the block, the lower 16 the place in it. Free slots
 * form a queue through the blocks' `links`. Slots of mapped blocks that were never used come first, then what was
 * freed longest ago, so that a use after free meets a trap for as long as possible. Bookkeeping is 4 bytes a slot.
 */
import { regionAlignment } from '../codepage/regions.js';
import { dataLayout } from '../trampoline/shape.js';
import type { Block, BlockSource } from './block.js';

export type SlotNumber = number;

const slotBits = 16;
const slotMask = 2 ** slotBits - 1;
/** The last numbers stand for something else. */
const live = 0xffff_ffff;
const none = 0xffff_fffe;
const mostBlocks = none >>> slotBits;
const regionBits = Math.log2(regionAlignment);

/** Converts between 64-bit words and halves. One for all: JavaScript runs on one thread here. */
const word = new BigUint64Array(1);
const half = new Uint32Array(word.buffer);
const float = new Float64Array(word.buffer);

export class Slots {
  readonly source: BlockSource;
  readonly blocks: Block[] = [];
  readonly #words: number;
  readonly #stride: number;
  /** Where in a slot its trap stands; -1 when a free slot has a word of 0. */
  readonly #trapAt: number;
  readonly #byRegion = new Map<number, number>();
  /** The region that was looked up last, and its block. */
  #lastRegion = -1;
  #lastIndex = 0;
  /** The queue of free slots. */
  #head = none;
  #tail = none;
  #size = 0;
  /** Slots in all blocks, and those of them that were never used. */
  #capacity = 0;
  #untouched = 0;
  /** The block that fresh slots come from; those before it are used up, those behind it untouched. */
  #filling = 0;
  #frozen = false;

  /** Called with every block that is mapped. A block that it refuses is given back. */
  onBlock: ((block: Block) => void) | undefined;
  /** Called with every block that is given back while others stay. */
  onDrop: ((block: Block) => void) | undefined;

  constructor(source: BlockSource) {
    this.source = source;
    this.#words = dataLayout(source.shape).words;
    this.#stride = source.stride;
    this.#trapAt = source.trapAt ?? -1;
    this.#openBlock(1);
  }

  /** Live slots. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of memory for data and bookkeeping. Code is not counted: all tables of a shape share it. */
  get bytes(): number {
    return this.blocks.reduce((sum, { dataLength, links }) => sum + dataLength + links.byteLength, 0);
  }

  /** Makes room for `count` more slots. After a refusal `dropUntouched` gives back what was mapped before it. */
  ensure(count: number): void {
    while (this.#capacity - this.#size < count) this.#openBlock(count - (this.#capacity - this.#size));
  }

  /** Gives back the blocks that no slot was ever taken from. */
  dropUntouched(): void {
    while (this.blocks.length - 1 > this.#filling) {
      const block = this.blocks.pop()!;
      this.#byRegion.delete(regionNumber(block));
      this.#lastRegion = -1;
      this.#capacity -= block.links.length;
      this.#untouched -= block.links.length;
      this.onDrop?.(block);
      this.source.close(block);
    }
  }

  /** Takes a slot, one that was never used if there is one. Its PC still traps. */
  allocate(): SlotNumber {
    if (this.#untouched === 0 && this.#head === none) this.#openBlock(1);
    const slot = this.#untouched > 0 ? this.#takeFresh() : this.#takeFreed();
    this.#size++;
    return slot;
  }

  /** Lets a slot trap and queues it for reuse. */
  free(slot: SlotNumber): void {
    this.trap(slot);
    this.recycle(slot);
  }

  /** Queues a slot for reuse; what it does meanwhile is the caller's affair. */
  recycle(slot: SlotNumber): void {
    this.blocks[slot >>> slotBits]!.links[slot & slotMask] = none;
    if (this.#tail === none) this.#head = slot;
    else this.blocks[this.#tail >>> slotBits]!.links[this.#tail & slotMask] = slot;
    this.#tail = slot;
    this.#size--;
  }

  /** Lets a slot trap: its jump leads to its own trap, so that the address of the fault tells the slot. */
  trap(slot: SlotNumber): void {
    const block = this.blocks[slot >>> slotBits]!;
    const place = slot & slotMask;
    const at = place * this.#words;
    if (this.#trapAt < 0) {
      block.floats[at] = 0;
      return;
    }
    // One store, since others may invoke it meanwhile; without making a BigInt.
    const low = block.low + place * this.#stride + this.#trapAt;
    if (block.halves[2 * at + 1] === block.high) {
      block.halves[2 * at] = low;
    } else {
      half[0] = low;
      half[1] = block.high;
      // An address in user space is never the pattern of a NaN, which an engine may change.
      block.floats[at] = float[0]!;
    }
  }

  /** The slot of an address that a slot begins at, live or not; -1 when there is none. */
  at(address: bigint): SlotNumber {
    if (typeof address !== 'bigint' || BigInt.asUintN(64, address) !== address) return -1;
    word[0] = address;
    const low = half[0]!;
    // The address divided by the alignment of regions.
    const region = half[1]! * (2 ** 32 / regionAlignment) + (low >>> regionBits);
    if (region !== this.#lastRegion) {
      const index = this.#byRegion.get(region);
      if (index === undefined) return -1;
      this.#lastRegion = region;
      this.#lastIndex = index;
    }
    const index = this.#lastIndex;
    const offset = low & (regionAlignment - 1);
    const place = (offset / this.#stride) | 0;
    if (place * this.#stride !== offset || place >= this.blocks[index]!.used) return -1;
    return ((index << slotBits) | place) >>> 0;
  }

  isLive(slot: SlotNumber): boolean {
    return this.blocks[slot >>> slotBits]!.links[slot & slotMask] === live;
  }

  /** The address to call. */
  address(slot: SlotNumber): bigint {
    const block = this.blocks[slot >>> slotBits]!;
    half[0] = block.low + (slot & slotMask) * this.#stride;
    half[1] = block.high;
    return word[0]!;
  }

  block(slot: SlotNumber): Block {
    return this.blocks[slot >>> slotBits]!;
  }

  /** Where in its block a slot is. */
  place(slot: SlotNumber): number {
    return slot & slotMask;
  }

  /** Puts the address to call into a list, without making a BigInt. */
  addressInto(slot: SlotNumber, list: Uint32Array, index: number): void {
    const block = this.blocks[slot >>> slotBits]!;
    list[2 * index] = block.low + (slot & slotMask) * this.#stride;
    list[2 * index + 1] = block.high;
  }

  /** Writes a slot that nobody calls yet: its data, given in halves, the PC last. */
  fill(slot: SlotNumber, data: Uint32Array): void {
    const { halves } = this.blocks[slot >>> slotBits]!;
    const start = 2 * (slot & slotMask) * this.#words;
    for (let index = 2 * this.#words - 1; index > 5; index--) halves[start + index] = data[index]!;
    // Three words are the most that nearly all have: a loop would take longer than all the rest.
    if (this.#words > 2) {
      halves[start + 5] = data[5]!;
      halves[start + 4] = data[4]!;
    }
    if (this.#words > 1) {
      halves[start + 3] = data[3]!;
      halves[start + 2] = data[2]!;
    }
    halves[start + 1] = data[1]!;
    halves[start] = data[0]!;
  }

  /** Replaces one word of a slot that may be invoked at this moment. */
  store(slot: SlotNumber, index: number, value: bigint): void {
    Atomics.store(this.blocks[slot >>> slotBits]!.words, (slot & slotMask) * this.#words + index, value);
  }

  /** One word of a slot. */
  load(slot: SlotNumber, index: number): bigint {
    return this.blocks[slot >>> slotBits]!.words[(slot & slotMask) * this.#words + index]!;
  }

  /** A copy of a slot's data. */
  read(slot: SlotNumber): BigUint64Array<ArrayBuffer> {
    const start = (slot & slotMask) * this.#words;
    return this.blocks[slot >>> slotBits]!.words.slice(
      start,
      start + this.#words,
    ) as BigUint64Array<ArrayBuffer>;
  }

  /** All live slots. */
  *[Symbol.iterator](): Generator<SlotNumber> {
    for (let index = 0; index < this.blocks.length; index++) {
      // All may be closed between two steps.
      for (let place = 0; place < (this.blocks[index]?.used ?? 0); place++) {
        if (this.blocks[index]!.links[place] === live) yield ((index << slotBits) | place) >>> 0;
      }
    }
  }

  /** Makes all data read-only for good, as far as the kernel can. It stays mapped even when closed. */
  freeze(): void {
    this.#frozen = true;
    for (const block of this.blocks) this.source.freeze(block);
  }

  /** Gives all memory back. */
  close(): void {
    if (!this.#frozen) for (const block of this.blocks) this.source.close(block);
    this.blocks.length = 0;
    this.#byRegion.clear();
    this.#lastRegion = -1;
    this.#size = 0;
  }

  #takeFresh(): SlotNumber {
    let block = this.blocks[this.#filling]!;
    if (block.used === block.links.length) block = this.blocks[++this.#filling]!;
    const place = block.used++;
    block.links[place] = live;
    this.#untouched--;
    return ((this.#filling << slotBits) | place) >>> 0;
  }

  #takeFreed(): SlotNumber {
    const slot = this.#head;
    const links = this.blocks[slot >>> slotBits]!.links;
    const place = slot & slotMask;
    this.#head = links[place]!;
    if (this.#head === none) this.#tail = none;
    links[place] = live;
    return slot;
  }

  #openBlock(wanted: number): Block {
    if (this.blocks.length === mostBlocks) throw new RangeError('A table cannot hold more trampolines');
    const block = this.source.open(wanted, this.blocks.length);
    try {
      this.onBlock?.(block);
    } catch (error) {
      this.source.close(block);
      throw error;
    }
    this.#byRegion.set(regionNumber(block), this.blocks.length);
    this.blocks.push(block);
    this.#capacity += block.links.length;
    this.#untouched += block.links.length;
    return block;
  }
}

/** The address of a block's code, divided by the alignment of regions. */
function regionNumber({ code }: Block): number {
  return Number(code / BigInt(regionAlignment));
}
