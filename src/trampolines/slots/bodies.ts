/**
 * Bodies of trampolines that change in one step. Such a trampoline consists of an *entry*, a slot with only one word,
 * and a *body*, which never changes while the entry points to it. A change creates a new body and then replaces the
 * entry's word by one store: an invocation on another thread runs the old body or the new one, never a mix. The new
 * body can have another shape.
 *
 * The entry and the body of a fast trampoline are ordinary slots: a jump through the word, and code of the full
 * shape. Those of a slow trampoline are described in `slow-bodies.ts`.
 */
import { type FastBlockOptions, FastBlocks } from './fast-blocks.js';
import { Quarantine } from './quarantine.js';
import { Slots } from './slots.js';

/** The lists that a slow trampoline checks at every invocation. */
export interface InvocationChecks {
  readonly allowedPcs: readonly bigint[] | undefined;
  /** Start and end (exclusive) of each address range that callers must be in. */
  readonly allowedCallers: readonly bigint[] | undefined;
}

export const noInvocationChecks: InvocationChecks = { allowedPcs: undefined, allowedCallers: undefined };

export interface Bodies {
  /** The slots of fast bodies. Slow bodies are allocated one by one. */
  readonly slots?: Slots;
  /** Bytes of memory. */
  readonly byteLength: number;
  /**
   * Creates a body and returns its address, to be stored in an entry's word.
   * @param data the data words; may be longer
   */
  create(data: BigUint64Array, checks: InvocationChecks): bigint;
  /** Returns a copy of a body's data words. */
  read(address: bigint): BigUint64Array<ArrayBuffer>;
  /** Quarantines a body that no entry points to any more, until it can be reused. */
  retire(address: bigint): void;
  /** Frees all memory. @param addresses the bodies that entries still point to */
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

  create(data: BigUint64Array): bigint {
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

  close(): void {
    this.slots.close();
  }
}
