/** Tables: millions of trampolines of one shape. */
import { parseStackLayout } from '../core/contexts.js';
import { TrampfdError } from '../core/errors.js';
import { inspectLine, inspectSymbol } from '../core/inspect.js';
import type { TableRegister } from '../core/registers.js';
import { bigintExpected, knownOptions, optionalBoolean } from '../core/validate.js';
import { populate } from '../linux/mm/memory.js';
import { hostMachine } from '../native/host.js';
import { addressOfBytes } from '../native/memory-view.js';
import { parseColumns } from './columns.js';
import { assertExecutable } from './debug/assert-executable.js';
import { DebugInfo } from './debug/debug-info.js';
import { freedError, Lifecycle } from './lifecycle.js';
import { commonOptionNames, type ValidatedOptions, validateOptions } from './options.js';
import { RowEncoder } from './row-encoder.js';
import type { SlotNumber, Slots } from './slots/slots.js';
import type {
  TableColumns,
  TableStackLayout,
  TableValues,
  TrampolineTable,
  TrampolineTableOptions,
} from './table.js';
import { TableStorage } from './table-storage.js';

/**
 * Creates a table of trampolines that load the same registers.
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
 * @throws TrampfdError if the system refuses memory or code
 */
export function createTrampolineTable<
  const Register extends TableRegister,
  const Stack extends TableStackLayout | undefined = undefined,
>(options: TrampolineTableOptions<Register, Stack>): TrampolineTable<Register, Stack> {
  return new TrampolineTableHandle<Register, Stack>(options);
}

class TrampolineTableHandle<Register extends TableRegister, Stack extends TableStackLayout | undefined>
  implements TrampolineTable<Register, Stack>
{
  readonly #encoder: RowEncoder;
  readonly #options: ValidatedOptions;
  readonly #storage: TableStorage;
  readonly #slots: Slots;
  readonly #debugInfo: DebugInfo | undefined;
  readonly #lifecycle = new Lifecycle(this);
  #recordedCount = 0;

  constructor(options: TrampolineTableOptions<Register, Stack>) {
    const rawOptions = knownOptions(options, 'options', [
      ...commonOptionNames,
      'registers',
      'stackData',
      'atomic',
      'isolated',
    ]);
    this.#options = validateOptions(rawOptions);
    const atomic = optionalBoolean(rawOptions.atomic, 'atomic');
    const isolated = optionalBoolean(rawOptions.isolated, 'isolated');
    this.#encoder = new RowEncoder(rawOptions.registers, parseStackLayout(rawOptions.stackData, 'stackData'));
    const { shape } = this.#encoder;

    const { mode, codeSource, name, debug, perfMap } = this.#options;
    if (mode === 'fast') hostMachine().trampolines.assertShape(shape, 'registers');
    this.#storage = new TableStorage(shape, { mode, codeSource, isolated, atomic }, name);
    this.#slots = this.#storage.slots;
    this.#debugInfo = debug || perfMap ? new DebugInfo(this.#slots, { codeSource, mode }) : undefined;
  }

  get size(): number {
    return this.#slots.size;
  }

  get byteLength(): number {
    return this.#storage.byteLength;
  }

  add(values: TableValues<Register, Stack>): bigint {
    this.#encoder.encode(values);
    // Only now: a getter of the values can close or freeze the table.
    this.#lifecycle.assertMutable('add a trampoline to');
    if (this.#options.debug) assertExecutable(this.#encoder.u64[0]!, 'pc');
    const slot = this.#storage.create(this.#encoder.u64);
    if (this.#debugInfo !== undefined) this.#recordCreation(slot, this.add);
    return this.#slots.address(slot);
  }

  addMany(columns: TableColumns<Register, Stack>, count?: number): BigUint64Array;
  addMany(count: number, values: (index: number) => TableValues<Register, Stack>): BigUint64Array;
  addMany(columnsOrCount: unknown, countOrValues?: unknown): BigUint64Array {
    this.#lifecycle.assertMutable('add trampolines to');
    const encoder = this.#encoder;
    const columns =
      typeof countOrValues === 'function'
        ? {
            count: encoder.checkCount(columnsOrCount),
            encodeAt: (index: number) => encoder.encode(countOrValues(index)),
            words: undefined,
          }
        : parseColumns(encoder, columnsOrCount, countOrValues);
    this.#lifecycle.assertMutable('add trampolines to');
    const { count, encodeAt, words } = columns;
    // First, since it refuses counts that no system has memory for.
    const addresses = allocateAddresses(count);
    if (words !== undefined && this.#debugInfo === undefined && this.#storage.hasDataSlots) {
      populate(addressOfBytes(addresses), addresses.byteLength);
      this.#storage.createMany(count, words, addresses);
      return addresses;
    }
    this.#storage.ensureFree(count);
    let addedCount = 0;
    try {
      for (; addedCount < count; addedCount++) {
        encodeAt(addedCount);
        this.#lifecycle.assertMutable('add trampolines to');
        if (this.#options.debug) assertExecutable(encoder.u64[0]!, `index ${addedCount}: pc`);
        const slot = this.#storage.create(encoder.u64);
        if (this.#debugInfo !== undefined) this.#recordCreation(slot, this.addMany);
        addresses[addedCount] = this.#slots.address(slot);
      }
    } catch (error) {
      // The caller's functions may have closed or frozen the table, or deleted some of these.
      while (addedCount > 0 && this.#lifecycle.isOpen) {
        const slot = this.#slots.slotAt(addresses[--addedCount]!);
        if (this.#slots.isLive(slot)) this.#freeSlot(slot, this.addMany);
      }
      throw error;
    }
    return addresses;
  }

  get(address: bigint): TableValues<Register, Stack> | undefined {
    this.#lifecycle.assertOpen('get a trampoline of');
    const slot = this.#slotOf(address);
    if (!this.#slots.isLive(slot)) return undefined;
    return this.#encoder.decode(this.#storage.read(slot)) as TableValues<Register, Stack>;
  }

  set(address: bigint, values: Partial<TableValues<Register, Stack>>): void {
    const slot = this.#liveSlot(address);
    this.#encoder.u64.set(this.#storage.read(slot));
    const changedWords = this.#encoder.encodePartial(values);
    // Again: a getter of the values can have deleted it.
    this.#liveSlot(address);
    if (this.#options.debug) assertExecutable(this.#encoder.u64[0]!, 'pc');
    this.#storage.update(slot, this.#encoder.u64, changedWords);
  }

  has(address: bigint): boolean {
    const slot = this.#slots.slotAt(address);
    return slot >= 0 && this.#slots.isLive(slot);
  }

  delete(address: bigint): boolean {
    this.#lifecycle.assertMutable('delete a trampoline of');
    const slot = this.#slots.slotAt(address);
    if (slot < 0) throw this.#foreignAddressError(address);
    if (!this.#slots.isLive(slot)) return false;
    this.#freeSlot(slot, this.delete);
    return true;
  }

  freeze(): void {
    this.#lifecycle.assertMutable('freeze');
    if (this.#options.mode === 'slow') throw new TypeError('Cannot freeze a table of slow trampolines');
    // First, since after a failure some of the data may be read-only already.
    this.#lifecycle.freeze();
    this.#storage.freeze();
  }

  close(): void {
    if (!this.#lifecycle.close()) return;
    this.#debugInfo?.close();
    this.#storage.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspectSymbol](): string {
    const { mode, name } = this.#options;
    const { isFrozen, isClosed } = this.#lifecycle;
    return inspectLine('TrampolineTable', {
      size: this.size,
      mode,
      name,
      frozen: isFrozen,
      closed: isClosed,
    });
  }

  *[Symbol.iterator](): Generator<[address: bigint, values: TableValues<Register, Stack>]> {
    this.#lifecycle.assertOpen('list trampolines of');
    for (const slot of this.#slots) {
      yield [
        this.#slots.address(slot),
        this.#encoder.decode(this.#storage.read(slot)) as TableValues<Register, Stack>,
      ];
    }
  }

  #freeSlot(slot: SlotNumber, stackStartFn: unknown): void {
    this.#storage.free(slot);
    this.#debugInfo?.recordFree(slot, stackStartFn);
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

  #slotOf(address: bigint): SlotNumber {
    const slot = this.#slots.slotAt(address);
    if (slot < 0) throw this.#foreignAddressError(address);
    return slot;
  }

  /** Returns the slot of a trampoline that can be changed. */
  #liveSlot(address: bigint): SlotNumber {
    this.#lifecycle.assertMutable('set a trampoline of');
    const slot = this.#slotOf(address);
    if (!this.#slots.isLive(slot)) throw freedError('set', `the trampoline at 0x${address.toString(16)}`);
    return slot;
  }

  #foreignAddressError(address: unknown): TypeError | RangeError {
    if (typeof address !== 'bigint') return bigintExpected(address, 'address');
    return new RangeError(`0x${address.toString(16)} is not an address of ${this.describe()}`);
  }

  /** Names the table in errors. */
  describe(): string {
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
