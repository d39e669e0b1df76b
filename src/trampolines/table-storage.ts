/** The memory of a table's trampolines: slots, and bodies if the table is atomic or slow. */
import type { Shape } from '../core/shape.js';
import { nextTableId } from './debug/registry.js';
import { type Bodies, noInvocationChecks } from './slots/bodies.js';
import { createBodies, createEntrySlots, createInlineSlots, type SlotOptions } from './slots/slot-factory.js';
import type { SlotNumber, Slots, WordColumn } from './slots/slots.js';

export class TableStorage {
  /** The slots whose addresses programs call. */
  readonly slots: Slots;
  /** In atomic and slow tables, the bodies that the slots point to. */
  readonly #bodies: Bodies | undefined;
  readonly #unregisterFns: (() => void)[];

  constructor(shape: Shape, options: SlotOptions & { readonly atomic: boolean }, name: string | undefined) {
    const owner = { table: nextTableId(), name: name ?? null, shared: false };
    const hasBodies = options.atomic || options.mode === 'slow';
    const registeredSlots = hasBodies
      ? createEntrySlots(options, owner)
      : createInlineSlots(shape, options, owner);
    this.slots = registeredSlots.value;
    this.#unregisterFns = [registeredSlots.unregister];
    if (!hasBodies) return;
    try {
      const registeredBodies = createBodies(shape, options, owner);
      this.#bodies = registeredBodies.value;
      this.#unregisterFns.push(registeredBodies.unregister);
    } catch (error) {
      this.slots.close();
      registeredSlots.unregister();
      throw error;
    }
  }

  get byteLength(): number {
    return this.slots.byteLength + (this.#bodies?.byteLength ?? 0);
  }

  /** Whether the data of trampolines is in slots: only that of slow ones is not. */
  get hasDataSlots(): boolean {
    return this.#bodies === undefined || this.#bodies.slots !== undefined;
  }

  /**
   * Reserves memory for `count` more trampolines, or for none if an error is thrown.
   * @param written see `Slots`
   */
  ensureFree(count: number, written = false): void {
    try {
      this.slots.ensureFree(count, written);
      this.#bodies?.slots?.ensureFree(count, written);
    } catch (error) {
      this.slots.releaseUnused();
      this.#bodies?.slots?.releaseUnused();
      throw error;
    }
  }

  /** Creates a trampoline. @param data its data words */
  create(data: BigUint64Array): SlotNumber {
    if (this.#bodies === undefined) {
      const slot = this.slots.allocate();
      this.slots.writeNew(slot, data);
      return slot;
    }
    this.slots.ensureFree(1);
    const body = this.#bodies.create(data, noInvocationChecks);
    const slot = this.slots.allocate();
    this.slots.storeWord(slot, 0, body);
    return slot;
  }

  /**
   * Creates trampolines whose data is in slots, all or none. @param columns their data words
   * @param addresses receives the addresses
   */
  createMany(count: number, columns: readonly WordColumn[], addresses: BigUint64Array): void {
    this.ensureFree(count, true);
    const bodySlots = this.#bodies?.slots;
    if (bodySlots === undefined) {
      this.slots.allocateMany(count, columns, addresses);
      return;
    }
    bodySlots.allocateMany(count, columns, addresses);
    this.slots.allocateMany(count, [{ words: addresses, step: 1 }], addresses);
  }

  /** Returns a copy of a trampoline's data words. */
  read(slot: SlotNumber): BigUint64Array<ArrayBuffer> {
    return this.#bodies === undefined
      ? this.slots.read(slot)
      : this.#bodies.read(this.slots.loadWord(slot, 0));
  }

  /**
   * Changes a trampoline that other threads may be invoking: in one step if it has a body, otherwise word by word.
   * @param data all data words
   * @param changedWords their indexes
   */
  update(slot: SlotNumber, data: BigUint64Array, changedWords: Iterable<number>): void {
    if (this.#bodies === undefined) {
      for (const index of changedWords) this.slots.storeWord(slot, index, data[index]!);
    } else {
      const previousBody = this.slots.loadWord(slot, 0);
      this.slots.storeWord(slot, 0, this.#bodies.create(data, noInvocationChecks));
      this.#bodies.retire(previousBody);
    }
  }

  free(slot: SlotNumber): void {
    if (this.#bodies !== undefined) this.#bodies.retire(this.slots.loadWord(slot, 0));
    this.slots.free(slot);
  }

  /** Makes the data permanently read-only. */
  freeze(): void {
    this.#bodies?.slots?.freeze();
    this.slots.freeze();
  }

  close(): void {
    for (const unregister of this.#unregisterFns) unregister();
    this.#bodies?.close(this.#bodyAddresses());
    this.slots.close();
  }

  *#bodyAddresses(): Generator<bigint> {
    for (const slot of this.slots) yield this.slots.loadWord(slot, 0);
  }
}
