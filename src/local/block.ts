/**
 * A block: one region with its data mapped, and what JavaScript needs to know of its slots.
 *
 * Data is private anonymous memory, so that a forked child has a snapshot of its own. An *isolated* block has
 * its data in a file instead: the trampolines see a read-only mapping of it, and we write through another
 * mapping elsewhere. The file is sealed before the read-only mapping is made, since one made earlier could
 * be made writable again.
 */
import { closeSync } from 'node:fs';
import type { CodePageMethodName } from '../codepage/method.js';
import { acquireRegion, type Region, releaseRegion } from '../codepage/regions.js';
import {
  addSeals,
  emptyMemfd,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
} from '../linux/memfd.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  memoryAt,
  mmap,
  mprotect,
  mseal,
  munmap,
  PROT_READ,
  PROT_WRITE,
} from '../linux/memory.js';
import { dataLayout, type Shape } from '../trampoline/shape.js';

/** What blocks of one table have in common. */
export interface BlockOptions {
  readonly shape: Shape;
  readonly method: CodePageMethodName | undefined;
  readonly isolated: boolean;
}

/** The data slots; the same bytes three ways. */
interface Views {
  words: BigUint64Array;
  halves: Uint32Array;
  floats: Float64Array;
}

export interface Block extends Views {
  readonly region: Region;
  /** For every slot: that it is live, or the next free slot behind it. */
  readonly links: Uint32Array;
  /** Slots taken so far, counted from the first. */
  used: number;
  /** The address of the first code slot, in halves. */
  readonly low: number;
  readonly high: number;
  /** Isolated blocks: where the data is writable. */
  readonly alias: bigint | undefined;
}

const attempt = 'map the data of trampolines';

export function openBlock({ shape, method, isolated }: BlockOptions, codeLength: number): Block {
  const region = acquireRegion(shape, { codeLength, method });
  let alias: bigint | undefined;
  try {
    alias = isolated ? mapIsolated(region) : mapPrivate(region);
    const block: Block = {
      region,
      ...viewsOf(alias ?? region.data, region.dataLength),
      links: new Uint32Array(region.image.count),
      used: 0,
      low: Number(region.code & 0xffff_ffffn),
      high: Number(region.code >> 32n),
      alias,
    };
    fillWithTraps(block);
    return block;
  } catch (error) {
    closeBlock({ region, alias });
    throw error;
  }
}

/** Gives everything back. The views are dead afterwards. */
export function closeBlock({ region, alias }: Pick<Block, 'region' | 'alias'>): void {
  if (alias !== undefined) munmap(alias, region.dataLength);
  releaseRegion(region);
}

/**
 * Makes the data read-only for good. The region cannot be used again.
 * Isolated data has no writable mapping from now on, and can get none; private data can still be written
 * through `/proc/self/mem`.
 */
export function freezeBlock(block: Block): void {
  const { region, alias } = block;
  if (alias === undefined) {
    mprotect(region.data, region.dataLength, PROT_READ);
  } else {
    Object.assign(block, viewsOf(region.data, region.dataLength));
    munmap(alias, region.dataLength);
  }
  mseal(region.data, region.dataLength);
}

function viewsOf(address: bigint, byteLength: number): Views {
  const bytes = memoryAt(address, byteLength);
  return {
    words: new BigUint64Array(bytes),
    halves: new Uint32Array(bytes),
    floats: new Float64Array(bytes),
  };
}

function mapPrivate({ data, dataLength }: Region): undefined {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  mmap({ address: data, length: dataLength, prot: PROT_READ | PROT_WRITE, flags }, attempt);
}

function mapIsolated({ data, dataLength }: Region): bigint {
  const fd = emptyMemfd('trampfd-data', dataLength, attempt);
  let alias: bigint | undefined;
  try {
    alias = mmap({ length: dataLength, prot: PROT_READ | PROT_WRITE, flags: MAP_SHARED, fd }, attempt);
    addSeals(fd, F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL, attempt);
    mmap({ address: data, length: dataLength, prot: PROT_READ, flags: MAP_SHARED | MAP_FIXED, fd }, attempt);
    return alias;
  } catch (error) {
    if (alias !== undefined) munmap(alias, dataLength);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Lets every slot jump to its own trap. No carry into the upper half: code lies inside one aligned MiB. */
function fillWithTraps({ region, halves, low, high }: Block): void {
  const { count, stride, trapAt, shape } = region.image;
  const step = 2 * dataLayout(shape).words;
  for (let slot = 0, at = 0, trap = low + trapAt; slot < count; slot++, at += step, trap += stride) {
    halves[at] = trap;
    halves[at + 1] = high;
  }
}
