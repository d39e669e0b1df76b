/** Tables: trampolines of one shape, by the million. */
import { thisMachine } from '../linux/host.js';
import { type StackLayout, stackLayout } from '../trampoline/contexts.js';
import { TrampfdError } from '../trampoline/errors.js';
import type { TableRegister } from '../trampoline/registers.js';
import { options as checkNames, flag, notBigint } from '../trampoline/values.js';
import { type Bodies, noChecks } from './bodies.js';
import { Columns } from './columns.js';
import { checkExecutable, freedError, Notes } from './notes.js';
import { type CheckedOptions, checkedOptions, optionNames, type TrampolineOptions } from './options.js';
import { newTableNumber } from './registry.js';
import type { SlotNumber, Slots } from './slots.js';
import { openBodies, openEntries, openInline } from './storage.js';

/**
 * Stack data that every trampoline of a table writes: `size` is 1 to 64 bytes, `offset` and `setSp` are as for single
 * trampolines ({@link StackValues}). The bytes are given to `add`.
 */
export type TableStack = { readonly size: number } & Partial<StackLayout>;

export interface TrampolineTableOptions<Register extends TableRegister, Stack extends TableStack | undefined>
  extends TrampolineOptions {
  /** The registers that all of them load, besides `pc`. */
  readonly registers: readonly Register[];
  /** The stack data that all of them write; none by default. */
  readonly stack?: Stack;
  /**
   * Whether `set` on a trampoline that other threads invoke is one step for them: old values or new ones,
   * never a mix. Without it each register changes by itself. An invocation jumps once more. Default false; slow
   * tables always are.
   */
  readonly atomic?: boolean;
  /**
   * Whether the values stand where the program cannot write them through the trampolines' own pages, but only
   * through this table. They are shared memory then: a forked child sees what its parent changes later, where
   * otherwise it has a snapshot. Default false; slow tables always are.
   */
  readonly isolated?: boolean;
}

/** The values of one trampoline. */
export type TableValues<Register extends TableRegister, Stack extends TableStack | undefined> = {
  readonly [Name in 'pc' | Register]: bigint;
} & (Stack extends TableStack ? { readonly stack: Uint8Array } : unknown);

/** One value for all trampolines, an array with one for each, or a function of the index. */
export type Column<Value, List> = Value | List | ((index: number) => Value);

/** The values of many trampolines by column. Stack data is the bytes of one for all, or those of each in a row. */
export type TableColumns<Register extends TableRegister, Stack extends TableStack | undefined> = {
  readonly [Name in 'pc' | Register]: Column<bigint, BigUint64Array>;
} & (Stack extends TableStack ? { readonly stack: Column<Uint8Array, Uint8Array> } : unknown);

/**
 * Makes a table of trampolines that load the same registers.
 *
 * @example
 * ```ts
 * import { createTrampolineTable, symbolAddress } from 'trampfd';
 *
 * const table = createTrampolineTable({ registers: ['arg2'] });
 * const comparator = table.add({ pc: symbolAddress('memcmp'), arg2: 8n });
 * console.log(`call 0x${comparator.toString(16)} with two pointers`);
 * table.free();
 * ```
 * @throws TypeError, RangeError for wrong options
 * @throws TrampfdError when the system refuses memory or code
 */
export function createTrampolineTable<
  const Register extends TableRegister,
  const Stack extends TableStack | undefined = undefined,
>(options: TrampolineTableOptions<Register, Stack>): TrampolineTable<Register, Stack> {
  return new TrampolineTable<Register, Stack>(options);
}

/**
 * A growing table of trampolines of one shape; made by {@link createTrampolineTable}. An address stays valid
 * until it is removed or the table is freed; garbage collection frees nothing.
 */
export class TrampolineTable<
  Register extends TableRegister,
  Stack extends TableStack | undefined = undefined,
> {
  readonly #columns: Columns;
  readonly #options: CheckedOptions;
  /** The slots whose addresses programs call. */
  readonly #slots: Slots;
  /** In atomic and slow tables, what the slots lead to. */
  readonly #bodies: Bodies | undefined;
  readonly #notes: Notes | undefined;
  readonly #unregister: (() => void)[];
  #state: 'open' | 'frozen' | 'freed' = 'open';
  #made = 0;

  /** @internal */
  constructor(options: TrampolineTableOptions<Register, Stack>) {
    const given = checkNames(options, 'options', [
      ...optionNames,
      'registers',
      'stack',
      'atomic',
      'isolated',
    ]);
    this.#options = checkedOptions(given);
    const atomic = flag(given.atomic, 'atomic');
    const isolated = flag(given.isolated, 'isolated');
    this.#columns = new Columns(given.registers, stackLayout(given.stack));
    const { shape } = this.#columns;

    const { mode, method, name = null, debug, perfMap } = this.#options;
    const owner = { table: newTableNumber(), name, shared: false };
    const storage = { mode, method, isolated };
    if (mode === 'fast') thisMachine().checkShape(shape, 'registers');
    const twofold = atomic || mode === 'slow';
    const slots = twofold ? openEntries(storage, owner) : openInline(shape, storage, owner);
    this.#slots = slots.kept;
    this.#unregister = [slots.unregister];
    if (twofold) {
      try {
        const bodies = openBodies(shape, storage, owner);
        this.#bodies = bodies.kept;
        this.#unregister.push(bodies.unregister);
      } catch (error) {
        this.#slots.close();
        slots.unregister();
        throw error;
      }
    }
    this.#notes = debug || perfMap ? new Notes(this.#slots, { method, mode }) : undefined;
  }

  /** Live trampolines. */
  get size(): number {
    return this.#slots.size;
  }

  /** Bytes of memory that this table holds for data and bookkeeping. Code is not counted: tables of a shape share it. */
  get bytes(): number {
    return this.#slots.bytes + (this.#bodies?.bytes ?? 0);
  }

  /**
   * Makes a trampoline and returns its address.
   * @throws TypeError, RangeError for wrong values; TrampfdError when there is no memory. Nothing has changed then.
   */
  add(values: TableValues<Register, Stack>): bigint {
    this.#columns.stage(values);
    // Not before: a getter of the values can free or freeze the table.
    this.#checkOpen('add a trampoline');
    if (this.#options.debug) checkExecutable(this.#columns.words[0]!, 'pc');
    const slot = this.#make();
    if (this.#notes !== undefined) this.#note(slot, this.add);
    return this.#slots.address(slot);
  }

  /**
   * Makes many trampolines and returns their addresses: all of them, or none when something is wrong.
   * Columns without a length of their own want the number of trampolines as `count`.
   * @throws TypeError, RangeError for wrong values; TrampfdError when there is no memory
   */
  addMany(columns: TableColumns<Register, Stack>, count?: number): BigUint64Array;
  /** Makes `count` trampolines of values that a function of the index returns. */
  addMany(count: number, values: (index: number) => TableValues<Register, Stack>): BigUint64Array;
  addMany(first: unknown, second?: unknown): BigUint64Array {
    this.#checkOpen('add trampolines');
    const columns = this.#columns;
    const { count, stageAt } =
      typeof second === 'function'
        ? { count: columns.count(first), stageAt: (index: number) => columns.stage(second(index)) }
        : columns.columns(first, second);
    this.#checkOpen('add trampolines');
    // First, since it refuses numbers that no system has memory for.
    const addresses = addressList(count);
    this.#makeRoom(count);
    const halves = new Uint32Array(addresses.buffer);
    let done = 0;
    try {
      for (; done < count; done++) {
        stageAt(done);
        this.#checkOpen('add trampolines');
        if (this.#options.debug) checkExecutable(columns.words[0]!, `index ${done}: pc`);
        const slot = this.#make();
        if (this.#notes !== undefined) this.#note(slot, this.addMany);
        this.#slots.addressInto(slot, halves, done);
      }
    } catch (error) {
      // The caller's functions may have freed or frozen the table, or removed some of these, meanwhile.
      while (done > 0 && this.#state === 'open') {
        const slot = this.#slots.at(addresses[--done]!);
        if (this.#slots.isLive(slot)) this.#free(slot, this.addMany);
      }
      throw error;
    }
    return addresses;
  }

  /**
   * The values of a live trampoline; `undefined` when it was removed.
   * @throws RangeError for an address that never was this table's
   */
  get(address: bigint): TableValues<Register, Stack> | undefined {
    this.#checkReadable('get a trampoline');
    const slot = this.#slot(address);
    if (!this.#slots.isLive(slot)) return undefined;
    return this.#columns.values(this.#read(slot)) as TableValues<Register, Stack>;
  }

  /**
   * Changes values of a live trampoline; those that are not named stay. In an atomic table that is one step
   * for other threads, in others one for each register.
   * @throws TypeError, RangeError for wrong values, or an address that never was this table's; TrampfdError for one that
   *   was removed (`ERR_FREED`), or when there is no memory. Nothing has changed then.
   */
  set(address: bigint, values: Partial<TableValues<Register, Stack>>): void {
    const slot = this.#liveSlot(address);
    this.#columns.words.set(this.#read(slot));
    const changed = this.#columns.stagePart(values);
    // Again: a getter of the values can have freed it.
    this.#liveSlot(address);
    if (this.#options.debug) checkExecutable(this.#columns.words[0]!, 'pc');
    if (this.#bodies === undefined) {
      for (const index of changed) this.#slots.store(slot, index, this.#columns.words[index]!);
    } else {
      const old = this.#slots.load(slot, 0);
      this.#slots.store(slot, 0, this.#bodies.make(this.#columns.halves, noChecks));
      this.#bodies.retire(old);
    }
  }

  /** Whether an address is a live trampoline of this table. */
  has(address: bigint): boolean {
    const slot = this.#slots.at(address);
    return slot >= 0 && this.#slots.isLive(slot);
  }

  /**
   * Frees a trampoline: calling it traps, and after all others that are free its place is used again.
   * @returns false when it was free already
   * @throws RangeError for an address that never was this table's
   */
  remove(address: bigint): boolean {
    this.#checkOpen('remove a trampoline');
    const slot = this.#slots.at(address);
    if (slot < 0) throw this.#foreign(address);
    if (!this.#slots.isLive(slot)) return false;
    this.#free(slot, this.remove);
    return true;
  }

  /**
   * Lets the kernel forbid every further change: the values become read-only for good. Their memory stays
   * until the process ends, even when the table is freed.
   */
  freeze(): void {
    this.#checkOpen('freeze the table');
    if (this.#options.mode === 'slow') throw new TypeError('Cannot freeze a table of slow trampolines');
    // First, since after a refusal some of the data may be read-only already.
    this.#state = 'frozen';
    this.#bodies?.freeze();
    this.#slots.freeze();
  }

  /** Frees the table and all its trampolines. Calling one of them faults, unless the table was frozen. Freeing again does nothing. */
  free(): void {
    if (this.#state === 'freed') return;
    this.#state = 'freed';
    this.#notes?.close();
    for (const unregister of this.#unregister) unregister();
    this.#bodies?.close(this.#words());
    this.#slots.close();
  }

  [Symbol.dispose](): void {
    this.free();
  }

  /** Live trampolines: addresses with their values. */
  *[Symbol.iterator](): Generator<[address: bigint, values: TableValues<Register, Stack>]> {
    this.#checkReadable('list trampolines');
    for (const slot of this.#slots) {
      yield [
        this.#slots.address(slot),
        this.#columns.values(this.#read(slot)) as TableValues<Register, Stack>,
      ];
    }
  }

  #makeRoom(count: number): void {
    try {
      this.#slots.ensure(count);
      this.#bodies?.ensure(count);
    } catch (error) {
      this.#slots.dropUntouched();
      this.#bodies?.dropUntouched();
      throw error;
    }
  }

  /** A trampoline of the staged values. */
  #make(): SlotNumber {
    if (this.#bodies === undefined) {
      const slot = this.#slots.allocate();
      this.#slots.fill(slot, this.#columns.halves);
      return slot;
    }
    this.#slots.ensure(1);
    const body = this.#bodies.make(this.#columns.halves, noChecks);
    const slot = this.#slots.allocate();
    this.#slots.store(slot, 0, body);
    return slot;
  }

  #free(slot: SlotNumber, below: unknown): void {
    if (this.#bodies !== undefined) this.#bodies.retire(this.#slots.load(slot, 0));
    this.#slots.free(slot);
    this.#notes?.freed(slot, below);
  }

  /** What the entries lead to. */
  *#words(): Generator<bigint> {
    for (const slot of this.#slots) yield this.#slots.load(slot, 0);
  }

  #note(slot: SlotNumber, below: unknown): void {
    const { name = 'trampoline', debug, perfMap } = this.#options;
    const wanted = { debug, perfMap, listed: false };
    try {
      this.#notes!.created(slot, { name: `${name}#${this.#made++}`, wanted, below });
    } catch (error) {
      this.#free(slot, below);
      throw error;
    }
  }

  #read(slot: SlotNumber): BigUint64Array<ArrayBuffer> {
    return this.#bodies === undefined ? this.#slots.read(slot) : this.#bodies.read(this.#slots.load(slot, 0));
  }

  #slot(address: bigint): SlotNumber {
    const slot = this.#slots.at(address);
    if (slot < 0) throw this.#foreign(address);
    return slot;
  }

  /** The slot of a trampoline that can be set. */
  #liveSlot(address: bigint): SlotNumber {
    this.#checkOpen('set a trampoline');
    const slot = this.#slot(address);
    if (!this.#slots.isLive(slot)) throw freedError(`set 0x${address.toString(16)}`, 'the trampoline');
    return slot;
  }

  #foreign(address: unknown): TypeError | RangeError {
    if (typeof address !== 'bigint') return notBigint(address, 'address');
    return new RangeError(`0x${address.toString(16)} is not an address of ${this.#called()}`);
  }

  #checkReadable(attempt: string): void {
    if (this.#state === 'freed') throw freedError(attempt, this.#called());
  }

  #checkOpen(attempt: string): void {
    if (this.#state === 'open') return;
    this.#checkReadable(attempt);
    throw new TypeError(`Cannot ${attempt}: ${this.#called()} is frozen`);
  }

  #called(): string {
    return this.#options.name === undefined ? 'this table' : `the table "${this.#options.name}"`;
  }
}

function addressList(count: number): BigUint64Array<ArrayBuffer> {
  try {
    return new BigUint64Array(count);
  } catch (cause) {
    const message = `Cannot add ${count} trampolines: the process has no memory left for their addresses`;
    throw new TrampfdError(message, { code: 'ENOMEM', cause });
  }
}
