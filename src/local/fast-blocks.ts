/**
 * Fast blocks: regions of code with their data mapped behind.
 *
 * Data is private anonymous memory, so that a forked child has a snapshot of its own. An *isolated* block has
 * its data in a file instead: the trampolines see a read-only mapping of it, and we write through another
 * mapping elsewhere.
 */
import type { CodePageMethodName } from '../codepage/method.js';
import { acquireRegion, type Region, releaseRegion } from '../codepage/regions.js';
import { thisMachine } from '../linux/host.js';
import { mapReadOnlyAt } from '../linux/memfd.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  memoryAt,
  mmap,
  mprotect,
  mseal,
  munmap,
  PROT_READ,
  PROT_WRITE,
  pageSize,
} from '../linux/memory.js';
import { dataLayout, type Shape } from '../trampoline/shape.js';
import { type Block, type BlockSource, halvesOf, viewsOf } from './block.js';

export interface FastBlockOptions {
  readonly shape: Shape;
  readonly method: CodePageMethodName | undefined;
  readonly isolated: boolean;
}

interface FastBlock extends Block {
  readonly region: Region;
  /** Isolated blocks: where the data is writable. */
  readonly alias: bigint | undefined;
}

/** The first blocks are small, so that one trampoline costs a page of code and a page of data. */
const firstCodeLengths = [2 ** 12, 2 ** 16];

export class FastBlocks implements BlockSource<FastBlock> {
  readonly shape: Shape;
  readonly stride: number;
  readonly trapAt: number;
  readonly #options: FastBlockOptions;

  constructor(options: FastBlockOptions) {
    this.#options = options;
    this.shape = options.shape;
    ({ stride: this.stride, trapAt: this.trapAt } = thisMachine().slotLayout(options.shape));
  }

  open(wanted: number, index: number): FastBlock {
    const { shape, method, isolated } = this.#options;
    const { longestImage } = thisMachine();
    const planned = Math.max(pageSize(), firstCodeLengths[index] ?? longestImage);
    const codeLength = wanted * this.stride <= planned ? planned : longestImage;
    const region = acquireRegion(shape, { codeLength, method });
    let alias: bigint | undefined;
    try {
      alias = isolated ? mapReadOnlyAt(region.data, region.dataLength, attempt) : mapPrivate(region);
      const block: FastBlock = {
        region,
        alias,
        ...viewsOf(memoryAt(alias ?? region.data, region.dataLength)),
        ...halvesOf(region.code),
        code: region.code,
        codeLength: region.image.bytes.length,
        data: region.data,
        dataLength: region.dataLength,
        method: region.kind.method.name,
        links: new Uint32Array(region.image.count),
        used: 0,
      };
      this.#fillWithTraps(block);
      return block;
    } catch (error) {
      giveBack(region, alias);
      throw error;
    }
  }

  close({ region, alias }: FastBlock): void {
    giveBack(region, alias);
  }

  /**
   * Isolated data has no writable mapping from now on, and can get none; private data can still be written
   * through `/proc/self/mem`.
   */
  freeze(block: FastBlock): void {
    const { region, alias } = block;
    if (alias === undefined) {
      mprotect(region.data, region.dataLength, PROT_READ);
    } else {
      Object.assign(block, viewsOf(memoryAt(region.data, region.dataLength)));
      munmap(alias, region.dataLength);
    }
    mseal(region.data, region.dataLength);
  }

  /** Lets every slot jump to its own trap. No carry into the upper half: code lies inside one aligned MiB. */
  #fillWithTraps({ links, halves, low, high }: FastBlock): void {
    const step = 2 * dataLayout(this.shape).words;
    for (let slot = 0, at = 0, trap = low + this.trapAt; slot < links.length; slot++) {
      halves[at] = trap;
      halves[at + 1] = high;
      at += step;
      trap += this.stride;
    }
  }
}

const attempt = 'map the data of trampolines';

function giveBack(region: Region, alias: bigint | undefined): void {
  if (alias !== undefined) munmap(alias, region.dataLength);
  releaseRegion(region);
}

function mapPrivate({ data, dataLength }: Region): undefined {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  mmap({ address: data, length: dataLength, prot: PROT_READ | PROT_WRITE, flags }, attempt);
}
