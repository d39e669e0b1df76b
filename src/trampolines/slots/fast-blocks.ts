/**
 * Fast blocks: regions of code, followed by the mapping of their data.
 *
 * Data is private anonymous memory, so that a forked child has its own snapshot. An *isolated* block has its data in a
 * memfd instead: trampolines use a read-only mapping, and JavaScript writes through a second mapping elsewhere.
 */
import type { CodeSource } from '../../codepage/code-page-method.js';
import { acquireRegion, type Region, releaseRegion } from '../../codepage/regions.js';
import { dataLayout, type Shape } from '../../core/shape.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  mmap,
  mprotect,
  mseal,
  munmap,
  PROT_READ,
  PROT_WRITE,
  pageSize,
  populate,
} from '../../linux/mm/memory.js';
import { mapWithWritableAlias } from '../../linux/mm/writable-alias.js';
import { hostMachine } from '../../native/host.js';
import { memoryAt } from '../../native/memory-view.js';
import { fillWords } from '../../native/words.js';
import { addressForms, type Block, type BlockAllocator, createSlotViews } from './block.js';

export interface FastBlockOptions {
  readonly shape: Shape;
  readonly codeSource: CodeSource | undefined;
  readonly isolated: boolean;
}

interface FastBlock extends Block {
  readonly region: Region;
  /** Isolated blocks: the address of the writable mapping. */
  readonly alias: bigint | undefined;
}

/** In bytes. The first blocks are small, so that a single trampoline costs one page of code and one of data. */
const firstCodeLengths = [2 ** 12, 2 ** 16];

export class FastBlocks implements BlockAllocator<FastBlock> {
  readonly shape: Shape;
  readonly stride: number;
  readonly trapOffset: number;
  readonly #options: FastBlockOptions;

  constructor(options: FastBlockOptions) {
    this.#options = options;
    this.shape = options.shape;
    ({ stride: this.stride, trapOffset: this.trapOffset } = hostMachine().trampolines.slotLayout(
      options.shape,
    ));
  }

  allocate(slotHint: number, blockIndex: number, writtenCount: number): FastBlock {
    const { shape, codeSource, isolated } = this.#options;
    const { maxImageBytes } = hostMachine().trampolines;
    const plannedLength = Math.max(pageSize(), firstCodeLengths[blockIndex] ?? maxImageBytes);
    const codeLength = slotHint * this.stride <= plannedLength ? plannedLength : maxImageBytes;
    const region = acquireRegion(shape, { codeLength, codeSource });
    let alias: bigint | undefined;
    try {
      alias = isolated
        ? mapWithWritableAlias(region.dataAddress, region.dataLength, attempt)
        : mapPrivate(region);
      const block: FastBlock = {
        region,
        alias,
        ...createSlotViews(memoryAt(alias ?? region.dataAddress, region.dataLength)),
        ...addressForms(region.codeAddress),
        code: region.codeAddress,
        codeLength: region.codeLength,
        data: region.dataAddress,
        dataLength: region.dataLength,
        codeSource: region.regionClass.method.name,
        freeList: new Int32Array(region.image.count),
        allocated: 0,
      };
      const written = Math.min(writtenCount, region.image.count);
      if (written > 0) populate(alias ?? region.dataAddress, written * dataLayout(shape).stride);
      this.#fillWithTraps(block, written);
      return block;
    } catch (error) {
      releaseMemory(region, alias);
      throw error;
    }
  }

  release({ region, alias }: FastBlock): void {
    releaseMemory(region, alias);
  }

  /**
   * Isolated data loses its writable mapping, and the memfd is sealed against new ones; private data can still be
   * written through `/proc/self/mem`.
   */
  freeze(block: FastBlock): void {
    const { region, alias } = block;
    if (alias === undefined) {
      mprotect(region.dataAddress, region.dataLength, PROT_READ);
    } else {
      Object.assign(block, createSlotViews(memoryAt(region.dataAddress, region.dataLength)));
      munmap(alias, region.dataLength);
    }
    mseal(region.dataAddress, region.dataLength);
  }

  /** Makes the slots from an index on jump to their own traps. */
  #fillWithTraps({ freeList, u64, code }: FastBlock, first: number): void {
    const { wordCount } = dataLayout(this.shape);
    const trap = code + BigInt(first * this.stride + this.trapOffset);
    const target = { words: u64, start: first * wordCount, step: wordCount };
    fillWords(target, trap, this.stride, freeList.length - first);
  }
}

const attempt = 'map the data of trampolines';

function releaseMemory(region: Region, alias: bigint | undefined): void {
  if (alias !== undefined) munmap(alias, region.dataLength);
  releaseRegion(region);
}

function mapPrivate({ dataAddress, dataLength }: Region): undefined {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  mmap({ address: dataAddress, length: dataLength, prot: PROT_READ | PROT_WRITE, flags }, attempt);
}
