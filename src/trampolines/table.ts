/** Tables: trampolines of one shape, by the million. */

import { parseStackLayout, type StackLayout } from '../core/contexts.js';
import { TrampfdError } from '../core/errors.js';
import type { TableRegister } from '../core/registers.js';
import { bigintExpected, knownOptions as checkNames, optionalBoolean } from '../core/validate.js';
import { hostMachine } from '../native/host.js';
import { assertExecutable, DebugInfo, freedError } from './debug/debug-info.js';
import { nextTableId } from './debug/registry.js';
import {
  commonOptionNames,
  type TrampolineOptions,
  type ValidatedOptions,
  validateOptions,
} from './options.js';
import { RowEncoder } from './row-encoder.js';
import { type Bodies, noInvocationChecks } from './slots/bodies.js';
import { createBodies, createEntrySlots, createInlineSlots } from './slots/slot-factory.js';
import type { SlotNumber, Slots } from './slots/slots.js';

/**
 * Stack data that every trampoline of a table writes: `size` is 1 to 64 bytes, `offset` and `setSp` are as for single
 * trampolines ({@link StackValues}). The bytes are given to `add`.
 */
export type TableStackLayout = { readonly size: number } & Partial<StackLayout>;

export interface TrampolineTableOptions<
  Register extends TableRegister,
  Stack extends TableStackLayout | undefined,
> extends TrampolineOptions {
  /** The registers that all of them load, besides `pc`. */
  readonly registers: readonly Register[];
  /** The stack data that all of them write; none by default. */
  readonly stackData?: Stack;
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
export type TableValues<Register extends TableRegister, Stack extends TableStackLayout | undefined> = {
  readonly [Name in 'pc' | Register]: bigint;
} & (Stack extends TableStackLayout ? { readonly stackData: Uint8Array } : unknown);

/** One value for all trampolines, an array with one for each, or a function of the index. */
export type Column<Value, List> = Value | List | ((index: number) => Value);

/** The values of many trampolines by column. Stack data is the bytes of one for all, or those of each in a row. */
export type TableColumns<Register extends TableRegister, Stack extends TableStackLayout | undefined> = {
  readonly [Name in 'pc' | Register]: Column<bigint, BigUint64Array>;
} & (Stack extends TableStackLayout ? { readonly stackData: Column<Uint8Array, Uint8Array> } : unknown);

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
 * table.close();
 * ```
 * @throws TypeError, RangeError for wrong options
 * @throws TrampfdError when the system refuses memory or code
 */
export function createTrampolineTable<
  const Register extends TableRegister,
  const Stack extends TableStackLayout | undefined = undefined,
>(options: TrampolineTableOptions<Register, Stack>): TrampolineTable<Register, Stack> {
  return new TrampolineTable<Register, Stack>(options);
}

/**
 * A growing table of trampolines of one shape; made by {@link createTrampolineTable}. An address stays valid
 * until it is removed or the table is freed; garbage collection frees nothing.
 */
export class TrampolineTable<
  Register extends TableRegister,
  Stack extends TableStackLayout | undefined = undefined,
> {
  readonly #encoder: RowEncoder;
  readonly #options: ValidatedOptions;
  /** The slots whose addresses programs call. */
  readonly #slots: Slots;
  /** In atomic and slow tables, what the slots lead to. */
  readonly #bodies: Bodies | undefined;
  readonly #debugInfo: DebugInfo | undefined;
  readonly #unregisterFns: (() => void)[];
  #state: 'open' | 'frozen' | 'freed' = 'open';
  #recordedCount = 0;

  /** @internal */
  constructor(options: TrampolineTableOptions<Register, Stack>) {
    const rawOptions = checkNames(options, 'options', [
      ...commonOptionNames,
      'registers',
      'stackData',
      'atomic',
      'isolated',
    ]);
    this.#options = validateOptions(rawOptions);
    const atomic = optionalBoolean(rawOptions.atomic, 'atomic');
    const isolated = optionalBoolean(rawOptions.isolated, 'isolated');
    this.#encoder = new RowEncoder(rawOptions.registers, parseStackLayout(rawOptions.stackData));
    const { shape } = this.#encoder;

    const { mode, codeSource, name = null, debug, perfMap } = this.#options;
    const owner = { table: nextTableId(), name, shared: false };
    const slotOptions = { mode, codeSource, isolated };
    if (mode === 'fast') hostMachine().trampolines.assertShape(shape, 'registers');
    const hasBodies = atomic || mode === 'slow';
    const registeredSlots = hasBodies
      ? createEntrySlots(slotOptions, owner)
      : createInlineSlots(shape, slotOptions, owner);
    this.#slots = registeredSlots.value;
    this.#unregisterFns = [registeredSlots.unregister];
    if (hasBodies) {
      try {
        const registeredBodies = createBodies(shape, slotOptions, owner);
        this.#bodies = registeredBodies.value;
        this.#unregisterFns.push(registeredBodies.unregister);
      } catch (error) {
        this.#slots.close();
        registeredSlots.unregister();
        throw error;
      }
    }
    this.#debugInfo = debug || perfMap ? new DebugInfo(this.#slots, { codeSource, mode }) : undefined;
  }

  /** Live trampolines. */
  get size(): number {
    return this.#slots.size;
  }

  /** Bytes of memory that this table holds for data and bookkeeping. Code is not counted: tables of a shape share it. */
  get byteLength(): number {
    return this.#slots.byteLength + (this.#bodies?.byteLength ?? 0);
  }

  /**
   * Makes a trampoline and returns its address.
   * @throws TypeError, RangeError for wrong values; TrampfdError when there is no memory. Nothing has changed then.
   */
  add(values: TableValues<Register, Stack>): bigint {
    this.#encoder.encode(values);
    // Not before: a getter of the values can free or freeze the table.
    this.#assertMutable('add a trampoline');
    if (this.#options.debug) assertExecutable(this.#encoder.u64[0]!, 'pc');
    const slot = this.#createSlot();
    if (this.#debugInfo !== undefined) this.#recordCreation(slot, this.add);
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
  addMany(columnsOrCount: unknown, countOrValues?: unknown): BigUint64Array {
    this.#assertMutable('add trampolines');
    const encoder = this.#encoder;
    const { count, encodeAt } =
      typeof countOrValues === 'function'
        ? {
            count: encoder.checkCount(columnsOrCount),
            encodeAt: (index: number) => encoder.encode(countOrValues(index)),
          }
        : encoder.columnEncoder(columnsOrCount, countOrValues);
    this.#assertMutable('add trampolines');
    // First, since it refuses numbers that no system has memory for.
    const addresses = allocateAddresses(count);
    this.#ensureFree(count);
    const addressesU32 = new Uint32Array(addresses.buffer);
    let addedCount = 0;
    try {
      for (; addedCount < count; addedCount++) {
        encodeAt(addedCount);
        this.#assertMutable('add trampolines');
        if (this.#options.debug) assertExecutable(encoder.u64[0]!, `index ${addedCount}: pc`);
        const slot = this.#createSlot();
        if (this.#debugInfo !== undefined) this.#recordCreation(slot, this.addMany);
        this.#slots.writeAddress(slot, addressesU32, addedCount);
      }
    } catch (error) {
      // The caller's functions may have freed or frozen the table, or removed some of these, meanwhile.
      while (addedCount > 0 && this.#state === 'open') {
        const slot = this.#slots.slotAt(addresses[--addedCount]!);
        if (this.#slots.isLive(slot)) this.#freeSlot(slot, this.addMany);
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
    this.#assertOpen('get a trampoline');
    const slot = this.#slotOf(address);
    if (!this.#slots.isLive(slot)) return undefined;
    return this.#encoder.decode(this.#readData(slot)) as TableValues<Register, Stack>;
  }

  /**
   * Changes values of a live trampoline; those that are not named stay. In an atomic table that is one step
   * for other threads, in others one for each register.
   * @throws TypeError, RangeError for wrong values, or an address that never was this table's; TrampfdError for one that
   *   was removed (`ERR_FREED`), or when there is no memory. Nothing has changed then.
   */
  set(address: bigint, values: Partial<TableValues<Register, Stack>>): void {
    const slot = this.#liveSlot(address);
    this.#encoder.u64.set(this.#readData(slot));
    const changedWords = this.#encoder.encodePartial(values);
    // Again: a getter of the values can have freed it.
    this.#liveSlot(address);
    if (this.#options.debug) assertExecutable(this.#encoder.u64[0]!, 'pc');
    if (this.#bodies === undefined) {
      for (const index of changedWords) this.#slots.storeWord(slot, index, this.#encoder.u64[index]!);
    } else {
      const previousBody = this.#slots.loadWord(slot, 0);
      this.#slots.storeWord(slot, 0, this.#bodies.create(this.#encoder.u32, noInvocationChecks));
      this.#bodies.retire(previousBody);
    }
  }

  /** Whether an address is a live trampoline of this table. */
  has(address: bigint): boolean {
    const slot = this.#slots.slotAt(address);
    return slot >= 0 && this.#slots.isLive(slot);
  }

  /**
   * Frees a trampoline: calling it traps, and after all others that are free its place is used again.
   * @returns false when it was free already
   * @throws RangeError for an address that never was this table's
   */
  delete(address: bigint): boolean {
    this.#assertMutable('remove a trampoline');
    const slot = this.#slots.slotAt(address);
    if (slot < 0) throw this.#foreignAddressError(address);
    if (!this.#slots.isLive(slot)) return false;
    this.#freeSlot(slot, this.delete);
    return true;
  }

  /**
   * Lets the kernel forbid every further change: the values become read-only for good. Their memory stays
   * until the process ends, even when the table is freed.
   */
  freeze(): void {
    this.#assertMutable('freeze the table');
    if (this.#options.mode === 'slow') throw new TypeError('Cannot freeze a table of slow trampolines');
    // First, since after a refusal some of the data may be read-only already.
    this.#state = 'frozen';
    this.#bodies?.freeze();
    this.#slots.freeze();
  }

  /** Frees the table and all its trampolines. Calling one of them faults, unless the table was frozen. Freeing again does nothing. */
  close(): void {
    if (this.#state === 'freed') return;
    this.#state = 'freed';
    this.#debugInfo?.close();
    for (const unregister of this.#unregisterFns) unregister();
    this.#bodies?.close(this.#bodyAddresses());
    this.#slots.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Live trampolines: addresses with their values. */
  *[Symbol.iterator](): Generator<[address: bigint, values: TableValues<Register, Stack>]> {
    this.#assertOpen('list trampolines');
    for (const slot of this.#slots) {
      yield [
        this.#slots.address(slot),
        this.#encoder.decode(this.#readData(slot)) as TableValues<Register, Stack>,
      ];
    }
  }

  #ensureFree(count: number): void {
    try {
      this.#slots.ensureFree(count);
      this.#bodies?.ensureFree(count);
    } catch (error) {
      this.#slots.releaseUnused();
      this.#bodies?.releaseUnused();
      throw error;
    }
  }

  /** A trampoline of the staged values. */
  #createSlot(): SlotNumber {
    if (this.#bodies === undefined) {
      const slot = this.#slots.allocate();
      this.#slots.writeNew(slot, this.#encoder.u32);
      return slot;
    }
    this.#slots.ensureFree(1);
    const body = this.#bodies.create(this.#encoder.u32, noInvocationChecks);
    const slot = this.#slots.allocate();
    this.#slots.storeWord(slot, 0, body);
    return slot;
  }

  #freeSlot(slot: SlotNumber, stackStartFn: unknown): void {
    if (this.#bodies !== undefined) this.#bodies.retire(this.#slots.loadWord(slot, 0));
    this.#slots.free(slot);
    this.#debugInfo?.recordFree(slot, stackStartFn);
  }

  /** What the entries lead to. */
  *#bodyAddresses(): Generator<bigint> {
    for (const slot of this.#slots) yield this.#slots.loadWord(slot, 0);
  }

  #recordCreation(slot: SlotNumber, stackStartFn: unknown): void {
    const { name = 'trampoline', debug, perfMap } = this.#options;
    const debugOptions = { debug, perfMap, listed: false };
    try {
      this.#debugInfo!.recordCreation(slot, {
        name: `${name}#${this.#recordedCount++}`,
        debugOptions,
        stackStartFn,
      });
    } catch (error) {
      this.#freeSlot(slot, stackStartFn);
      throw error;
    }
  }

  #readData(slot: SlotNumber): BigUint64Array<ArrayBuffer> {
    return this.#bodies === undefined
      ? this.#slots.read(slot)
      : this.#bodies.read(this.#slots.loadWord(slot, 0));
  }

  #slotOf(address: bigint): SlotNumber {
    const slot = this.#slots.slotAt(address);
    if (slot < 0) throw this.#foreignAddressError(address);
    return slot;
  }

  /** The slot of a trampoline that can be set. */
  #liveSlot(address: bigint): SlotNumber {
    this.#assertMutable('set a trampoline');
    const slot = this.#slotOf(address);
    if (!this.#slots.isLive(slot)) throw freedError(`set 0x${address.toString(16)}`, 'the trampoline');
    return slot;
  }

  #foreignAddressError(address: unknown): TypeError | RangeError {
    if (typeof address !== 'bigint') return bigintExpected(address, 'address');
    return new RangeError(`0x${address.toString(16)} is not an address of ${this.#describe()}`);
  }

  #assertOpen(attempt: string): void {
    if (this.#state === 'freed') throw freedError(attempt, this.#describe());
  }

  #assertMutable(attempt: string): void {
    if (this.#state === 'open') return;
    this.#assertOpen(attempt);
    throw new TypeError(`Cannot ${attempt}: ${this.#describe()} is frozen`);
  }

  #describe(): string {
    return this.#options.name === undefined ? 'this table' : `the table "${this.#options.name}"`;
  }
}

function allocateAddresses(count: number): BigUint64Array<ArrayBuffer> {
  try {
    return new BigUint64Array(count);
  } catch (cause) {
    const message = `Cannot add ${count} trampolines: the process has no memory left for their addresses`;
    throw new TrampfdError(message, { code: 'ENOMEM', cause });
  }
}
