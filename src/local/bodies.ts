/**
 * Bodies of atomic trampolines. An atomic trampoline has an *entry*, which only jumps through its one word,
 * and a *body* of the full shape, whose data never changes once the entry leads to it. A change makes a new
 * body and then replaces the entry's word by one store: an invocation on another thread runs the old body or
 * the new one, never a mix. It also serves changes of shape.
 */
import type { BlockOptions } from './block.js';
import { Retired } from './retired.js';
import { Slots } from './slots.js';

export class Bodies {
  readonly slots: Slots;
  readonly #retired: Retired;

  constructor(options: BlockOptions) {
    this.slots = new Slots(options);
    this.#retired = new Retired(this.slots);
  }

  /** A new body. Returns its address, for an entry to lead to. */
  make(data: Uint32Array): bigint {
    const slot = this.slots.allocate();
    this.slots.fill(slot, data);
    return this.slots.address(slot);
  }

  /** A copy of a body's data. */
  read(address: bigint): BigUint64Array<ArrayBuffer> {
    return this.slots.read(this.slots.at(address));
  }

  /** Lets a body wait for reuse; no entry leads to it any more. */
  retire(address: bigint): void {
    this.#retired.add(this.slots.at(address));
  }
}
