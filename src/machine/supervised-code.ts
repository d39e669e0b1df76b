/**
 * Code of *supervised objects*. The code of an object is one file that only the supervisor can write. Programs map it
 * shared, read-only and executable, as one range, at any address and any number of times:
 *
 *     entries    | entry 0 | entry 1 | …  |   called by programs
 *     selectors  | u64 | u64 | …          |   for each entry: offset of its body from the start of the range
 *     bodies     | body | body | …        |   each written once, before a selector points to it
 *
 * So the code contains no address of its own. Since the whole range is executable, values that a program chose must not
 * appear in it as code of its choice: they are blinded with random bits, new ones for each value. `r10` and `r11` of
 * x86-64, `x16` and `x17` of arm64 are lost unless the contexts set them.
 */
import type { RegisterContext, StackContext } from '../core/contexts.js';

export interface SupervisedCode {
  /** Entries that jump to their bodies. */
  readonly entries: EntryCode;
  /**
   * Entries that preserve all registers. Their common part saves them, calls the body with the addresses of the saved
   * registers and of the trampoline as arguments, and then loads all registers from that block. So a body that only
   * sets the PC jumps to a handler. An unwind table for the common part precedes the first entry, in the format of
   * `.eh_frame`, with relative addresses.
   */
  handlerEntries(): EntryCode;
  /** Bytes of every body, enough for the longest: a multiple of 64. */
  readonly bodySize: number;
  /** Returns a body that loads registers, writes stack data and jumps: `bodySize` bytes. */
  body(contexts: ObjectContexts, random: RandomU64, position: BodyPosition): Uint8Array;
  /** Returns the entries of a table, which load registers from two arrays, and their shared code. */
  tableCode(contexts: TableContexts, random: RandomU64): TableCode;
}

/** The code before the selectors. */
export interface EntryCode {
  /** Offset of the first entry from the start of the range: a multiple of 16. */
  readonly firstOffset: number;
  /** Bytes from one entry to the next: a multiple of 16. */
  readonly stride: number;
  /** Returns the bytes of `count` entries and their common code. */
  length(count: number): number;
  /** Returns code for `count` entries, whose selectors are `selectorsOffset` bytes from the start: whole pages. */
  code(count: number, layout: { readonly selectorsOffset: number }): Uint8Array;
  /**
   * Returns the selector of an instance without registers: the offset of a trap, or of a body that jumps to one.
   * @param index number of the entry
   */
  trapOffset(index: number): number;
}

/** Position of a body. */
export interface BodyPosition {
  /** Offset from the start of the range. */
  readonly offset: number;
  /** Bytes of the entries and their common code: `EntryCode.length`. */
  readonly entriesLength: number;
}

/** Contexts of an instance. */
export interface ObjectContexts extends Pick<RegisterContext, 'pc' | 'assignments'> {
  readonly stack: StackContext | undefined;
}

/**
 * Contexts of a table, as in RFC v2: trampoline i loads the code register with word i of one array and the data
 * register with word i of the other, and jumps to the code register. The arrays belong to the program, and every
 * invocation reads them.
 */
export interface TableContexts {
  readonly count: number;
  /** Register numbers of the C interface: two different ones, neither of them the PC. */
  readonly codeRegister: number;
  readonly dataRegister: number;
  /** Addresses of the arrays. */
  readonly codeTable: bigint;
  readonly dataTable: bigint;
}

export interface TableCode {
  /** Everything to map. */
  readonly bytes: Uint8Array;
  /** Bytes from one entry to the next; the first is at the start. */
  readonly stride: number;
}

/** Returns 64 unpredictable bits, new ones at each call. */
export type RandomU64 = () => bigint;
