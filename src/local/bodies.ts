/**
 * Bodies of trampolines that change in one step. Such a trampoline has an *entry*, which has only one word, and
 * a *body*, which never changes once the entry leads to it. A change makes a new body and then replaces the
 * entry's word by one store: an invocation on another thread runs the old body or the new one, never a mix. It
 * also serves changes of shape.
 *
 * The entry and the body of a fast trampoline are slots like others: a jump through the word, and code of the
 * full shape. Those of a slow one are described in `slow-bodies.ts`.
 */
import { type FastBlockOptions, FastBlocks } from './fast-blocks.js';
import { Retired } from './retired.js';
import { Slots } from './slots.js';

/** What a slow trampoline checks at every invocation. */
export interface Checks {
  readonly allowedPcs: readonly bigint[] | undefined;
  /** First addresses and ends of the ranges that callers must lie in. */
  readonly allowedCallers: readonly bigint[] | undefined;
}

export const noChecks: Checks = { allowedPcs: undefined, allowedCallers: undefined };

export interface Bodies {
  /** Bytes of memory. */
  readonly bytes: number;
  /** Makes room for `count` more, and gives back what of it is not needed after all. */
  ensure(count: number): void;
  dropUntouched(): void;
  /** A new body with these data words, in halves; more may follow. Returns its address, for an entry to lead to. */
  make(data: Uint32Array, checks: Checks): bigint;
  /** A copy of a body's data words. */
  read(address: bigint): BigUint64Array<ArrayBuffer>;
  /** Lets a body wait for reuse; no entry leads to it any more. */
  retire(address: bigint): void;
  freeze(): void;
  /** Gives everything back. @param addresses the bodies that entries led to */
  close(addresses: Iterable<bigint>): void;
}

export class FastBodies implements Bodies {
  readonly slots: Slots;
  readonly #retired: Retired;

  constructor(options: FastBlockOptions) {
    this.slots = new Slots(new FastBlocks(options));
    this.#retired = new Retired((slot) => this.slots.recycle(slot));
  }

  get bytes(): number {
    return this.slots.bytes;
  }

  ensure(count: number): void {
    this.slots.ensure(count);
  }

  dropUntouched(): void {
    this.slots.dropUntouched();
  }

  make(data: Uint32Array): bigint {
    const slot = this.slots.allocate();
    this.slots.fill(slot, data);
    return this.slots.address(slot);
  }

  read(address: bigint): BigUint64Array<ArrayBuffer> {
    return this.slots.read(this.slots.at(address));
  }

  retire(address: bigint): void {
    this.#retired.add(this.slots.at(address));
  }

  freeze(): void {
    this.slots.freeze();
  }

  close(): void {
    this.slots.close();
  }
}
