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
import { Quarantine } from './quarantine.js';
import { Slots } from './slots.js';

/** What a slow trampoline checks at every invocation. */
export interface InvocationChecks {
  readonly allowedPcs: readonly bigint[] | undefined;
  /** First addresses and ends of the ranges that callers must lie in. */
  readonly allowedCallers: readonly bigint[] | undefined;
}

export const noInvocationChecks: InvocationChecks = { allowedPcs: undefined, allowedCallers: undefined };

export interface Bodies {
  /** Bytes of memory. */
  readonly byteLength: number;
  /** Makes room for `count` more, and gives back what of it is not needed after all. */
  ensureFree(count: number): void;
  releaseUnused(): void;
  /** A new body with these data words, in halves; more may follow. Returns its address, for an entry to lead to. */
  create(data: Uint32Array, checks: InvocationChecks): bigint;
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
  readonly #quarantine: Quarantine;

  constructor(options: FastBlockOptions) {
    this.slots = new Slots(new FastBlocks(options));
    this.#quarantine = new Quarantine((slot) => this.slots.makeReusable(slot));
  }

  get byteLength(): number {
    return this.slots.byteLength;
  }

  ensureFree(count: number): void {
    this.slots.ensureFree(count);
  }

  releaseUnused(): void {
    this.slots.releaseUnused();
  }

  create(data: Uint32Array): bigint {
    const slot = this.slots.allocate();
    this.slots.writeNew(slot, data);
    return this.slots.address(slot);
  }

  read(address: bigint): BigUint64Array<ArrayBuffer> {
    return this.slots.read(this.slots.slotAt(address));
  }

  retire(address: bigint): void {
    this.#quarantine.add(this.slots.slotAt(address));
  }

  freeze(): void {
    this.slots.freeze();
  }

  close(): void {
    this.slots.close();
  }
}
