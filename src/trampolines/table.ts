/** The public interface of trampoline tables. */
import type { StackLayout } from '../core/contexts.js';
import type { TableRegister } from '../core/registers.js';
import type { TrampolineOptions } from './options.js';

/**
 * Layout of the stack data that every trampoline of a table writes: `size` is 1 to 64 bytes, `offset` and `setSp` are
 * as for single trampolines ({@link StackValues}). The bytes are passed to `add`.
 */
export type TableStackLayout = { readonly size: number } & Partial<StackLayout>;

export interface TrampolineTableOptions<
  Register extends TableRegister,
  Stack extends TableStackLayout | undefined,
> extends TrampolineOptions {
  /** The registers that every trampoline loads, besides `pc`. */
  readonly registers: readonly Register[];
  /** The layout of the stack data that every trampoline writes; none by default. */
  readonly stackData?: Stack;
  /**
   * Whether `set` is one step for other threads that invoke the trampoline: they see all old values or all new ones.
   * Otherwise each register changes separately. Costs one more jump per invocation. Default false; slow tables are
   * always atomic.
   */
  readonly atomic?: boolean;
  /**
   * Whether the program can write the values only through this table, because the trampolines' own pages are
   * read-only. The values are in shared memory then: a forked child sees what its parent changes later, instead of
   * a snapshot. Default false; slow tables are always isolated.
   */
  readonly isolated?: boolean;
}

/** The values of one trampoline. */
export type TableValues<Register extends TableRegister, Stack extends TableStackLayout | undefined> = {
  readonly [Name in 'pc' | Register]: bigint;
} & (Stack extends TableStackLayout ? { readonly stackData: Uint8Array } : unknown);

/** One value for all trampolines, an array with one for each, or a function of the index. */
export type Column<Value, List> = Value | List | ((index: number) => Value);

/** The values of many trampolines by column. Stack data is the bytes of one for all, or those of all concatenated. */
export type TableColumns<Register extends TableRegister, Stack extends TableStackLayout | undefined> = {
  readonly [Name in 'pc' | Register]: Column<bigint, BigUint64Array>;
} & (Stack extends TableStackLayout ? { readonly stackData: Column<Uint8Array, Uint8Array> } : unknown);

/**
 * A growing table of trampolines that load the same registers; made by `createTrampolineTable`. An address stays
 * valid until it is deleted or the table is closed; garbage collection frees nothing.
 *
 * Methods throw `TrampfdError` `ERR_TRAMPFD_CLOSED` after `close`, changes `ERR_TRAMPFD_FROZEN` after `freeze`.
 */
export interface TrampolineTable<
  Register extends TableRegister,
  Stack extends TableStackLayout | undefined = undefined,
> {
  /** Number of live trampolines. */
  readonly size: number;
  /** Bytes of memory for data and bookkeeping. Code is not counted: tables of one shape share it. */
  readonly byteLength: number;
  /**
   * Creates a trampoline and returns its address.
   * @throws TypeError, RangeError for wrong values. Nothing has changed then.
   * @throws TrampfdError if there is no memory. Nothing has changed then.
   */
  add(values: TableValues<Register, Stack>): bigint;
  /**
   * Creates many trampolines and returns their addresses: all of them, or none if an error is thrown.
   * If no column is an array, `count` is required.
   * @throws TypeError, RangeError for wrong values; TrampfdError if there is no memory
   */
  addMany(columns: TableColumns<Register, Stack>, count?: number): BigUint64Array;
  /** Creates `count` trampolines with the values that a function of the index returns. */
  addMany(count: number, values: (index: number) => TableValues<Register, Stack>): BigUint64Array;
  /**
   * Returns the values of a live trampoline; `undefined` if it was deleted.
   * @throws RangeError for an address that was never in this table
   */
  get(address: bigint): TableValues<Register, Stack> | undefined;
  /**
   * Changes values of a live trampoline; those that are not named stay. In an atomic table that is one step for other
   * threads, otherwise one step per register.
   * @throws TypeError, RangeError for wrong values, or an address that was never in this table. Nothing has changed then.
   * @throws TrampfdError for a trampoline that was deleted (`ERR_TRAMPFD_FREED`), or if there is no memory. Nothing has
   *   changed then.
   */
  set(address: bigint, values: Partial<TableValues<Register, Stack>>): void;
  /** Returns whether an address is a live trampoline of this table. */
  has(address: bigint): boolean;
  /**
   * Frees a trampoline, even while it is executing. Calls to the address trap until it is reused, which happens in the
   * order of deletion.
   * @returns false if it was deleted already
   * @throws RangeError for an address that was never in this table
   */
  delete(address: bigint): boolean;
  /**
   * Makes the values read-only permanently, enforced by the kernel. Their memory is not released before the process
   * exits, even if the table is closed.
   * @throws TypeError for a table of slow trampolines
   */
  freeze(): void;
  /**
   * Frees the table and all its trampolines. Calling one of them faults, unless the table was frozen. Closing twice does
   * nothing.
   */
  close(): void;
  [Symbol.dispose](): void;
  /** Iterates over the live trampolines: addresses with their values. */
  [Symbol.iterator](): Generator<[address: bigint, values: TableValues<Register, Stack>]>;
}
