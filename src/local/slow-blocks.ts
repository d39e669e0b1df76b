/**
 * Slow blocks: addresses without memory behind them, cut from an arena. What a fast block keeps in its data slots
 * is one word here, the *selector*: the address of the trampoline's descriptor, or 0.
 */
import { regionAlignment } from '../codepage/regions.js';
import { memoryAt } from '../linux/memory.js';
import { slowStride } from '../machine/fault-control.js';
import { emptyShape } from '../trampoline/shape.js';
import { type Block, type BlockSource, halvesOf, viewsOf } from './block.js';
import { type Arena, addArena } from './fault-engine.js';

/** Blocks of an arena: 16 million trampolines. */
const blocksPerArena = 256;
/** Slots of a block: as many as a slot's number has places for. */
const slots = 2 ** 16;
const blockLength = slots * slowStride;

export interface SlowBlock extends Block {
  readonly arena: Arena;
  /** Where in the arena the block begins. */
  readonly offset: number;
}

let arena: Arena | undefined;
let cut = 0;
/** Blocks of tables that were freed; their selectors are 0. */
const idle: SlowBlock[] = [];

export class SlowBlocks implements BlockSource<SlowBlock> {
  readonly shape = emptyShape;
  readonly stride = slowStride;
  readonly trapAt = undefined;

  open(): SlowBlock {
    const block = idle.pop() ?? this.#cut();
    block.used = 0;
    return block;
  }

  close(block: SlowBlock): void {
    block.words.fill(0n, 0, block.used);
    block.links.fill(0, 0, block.used);
    idle.push(block);
  }

  /** Selectors of several tables can stand in one page, which the kernel protects as a whole. */
  freeze(): never {
    throw new TypeError('Cannot freeze slow trampolines');
  }

  #cut(): SlowBlock {
    if (arena === undefined || cut === blocksPerArena) {
      arena = addArena(blocksPerArena * regionAlignment, regionAlignment);
      cut = 0;
    }
    const offset = cut++ * regionAlignment;
    const code = arena.base + BigInt(offset);
    return {
      arena,
      offset,
      ...viewsOf(memoryAt(arena.selectorsAlias + BigInt(offset), blockLength)),
      ...halvesOf(code),
      code,
      codeLength: regionAlignment,
      data: arena.selectors + BigInt(offset),
      dataLength: blockLength,
      method: 'slow',
      links: new Uint32Array(slots),
      used: 0,
    };
  }
}

/** How often a slow trampoline was invoked and refused. */
export function countersOf({ arena: { counters }, offset }: SlowBlock, place: number): BigUint64Array {
  const at = counters + BigInt(2 * (offset + place * slowStride));
  return new BigUint64Array(memoryAt(at, 16));
}
