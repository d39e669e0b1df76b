/**
 * Slow blocks: reserved addresses without memory, allocated from an arena. A slot's data is one word, the *selector*:
 * the address of the trampoline's fault record, or 0.
 */
import { regionAlignment } from '../../codepage/regions.js';
import { emptyShape } from '../../core/shape.js';
import { slowStride } from '../../machine/fault-control.js';
import { memoryAt } from '../../native/memory-view.js';
import { addressForms, type Block, type BlockAllocator, createSlotViews } from './block.js';
import { type Arena, createArena } from './sigsegv-handler.js';

/** Blocks of an arena: 16 million trampolines. */
const blocksPerArena = 256;
/** Slots of a block: as many as the lower 16 bits of a slot number can count. */
const slotsPerBlock = 2 ** 16;
const blockLength = slotsPerBlock * slowStride;

interface SlowBlock extends Block {
  readonly arena: Arena;
  /** Offset of the block in the arena, in bytes. */
  readonly offset: number;
}

let arena: Arena | undefined;
let nextBlockIndex = 0;
/** Blocks of closed tables; their selectors are 0. */
const freeBlocks: SlowBlock[] = [];

export class SlowBlocks implements BlockAllocator<SlowBlock> {
  readonly shape = emptyShape;
  readonly stride = slowStride;
  readonly trapOffset = undefined;

  allocate(): SlowBlock {
    const block = freeBlocks.pop() ?? this.#createBlock();
    block.allocated = 0;
    return block;
  }

  release(block: SlowBlock): void {
    block.u64.fill(0n, 0, block.allocated);
    block.freeList.fill(0, 0, block.allocated);
    freeBlocks.push(block);
  }

  /** Unsupported: selectors of several tables share pages, and the kernel protects whole pages. */
  freeze(): never {
    throw new TypeError('Cannot freeze slow trampolines');
  }

  readCounters(
    { arena: { counters }, offset }: SlowBlock,
    indexInBlock: number,
  ): readonly [invocations: bigint, refusals: bigint] {
    const address = counters + BigInt(2 * (offset + indexInBlock * slowStride));
    const [invocations, refusals] = new BigUint64Array(memoryAt(address, 16));
    return [invocations!, refusals!];
  }

  #createBlock(): SlowBlock {
    if (arena === undefined || nextBlockIndex === blocksPerArena) {
      arena = createArena(blocksPerArena * regionAlignment, regionAlignment);
      nextBlockIndex = 0;
    }
    const offset = nextBlockIndex++ * regionAlignment;
    const code = arena.base + BigInt(offset);
    return {
      arena,
      offset,
      ...createSlotViews(memoryAt(arena.selectorsAlias + BigInt(offset), blockLength)),
      ...addressForms(code),
      code,
      codeLength: regionAlignment,
      data: arena.selectors + BigInt(offset),
      dataLength: blockLength,
      codeSource: 'slow',
      freeList: new Int32Array(slotsPerBlock),
      allocated: 0,
    };
  }
}
