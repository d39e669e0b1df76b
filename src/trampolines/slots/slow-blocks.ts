/**
 * Slow blocks: addresses without memory behind them, cut from an arena. What a fast block keeps in its data slots
 * is one word here, the *selector*: the address of the trampoline's descriptor, or 0.
 */
import { regionAlignment } from '../../codepage/regions.js';
import { emptyShape } from '../../core/shape.js';
import { slowStride } from '../../machine/fault-control.js';
import { memoryAt } from '../../native/memory-view.js';
import { type Block, type BlockAllocator, createSlotViews, splitAddress } from './block.js';
import { type Arena, createArena } from './sigsegv-handler.js';

/** Blocks of an arena: 16 million trampolines. */
const blocksPerArena = 256;
/** Slots of a block: as many as a slot's number has places for. */
const slotsPerBlock = 2 ** 16;
const blockLength = slotsPerBlock * slowStride;

export interface SlowBlock extends Block {
  readonly arena: Arena;
  /** Where in the arena the block begins. */
  readonly offset: number;
}

let arena: Arena | undefined;
let nextBlockIndex = 0;
/** Blocks of tables that were freed; their selectors are 0. */
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

  /** Selectors of several tables can stand in one page, which the kernel protects as a whole. */
  freeze(): never {
    throw new TypeError('Cannot freeze slow trampolines');
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
      ...splitAddress(code),
      code,
      codeLength: regionAlignment,
      data: arena.selectors + BigInt(offset),
      dataLength: blockLength,
      codeSource: 'slow',
      freeList: new Uint32Array(slotsPerBlock),
      allocated: 0,
    };
  }
}

/** How often a slow trampoline was invoked and refused. */
export function countersView(
  { arena: { counters }, offset }: SlowBlock,
  indexInBlock: number,
): BigUint64Array {
  const address = counters + BigInt(2 * (offset + indexInBlock * slowStride));
  return new BigUint64Array(memoryAt(address, 16));
}
