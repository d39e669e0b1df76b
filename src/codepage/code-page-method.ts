/**
 * Code page methods: the ways to obtain executable memory. The contract of every method:
 *
 * 1. `prepare` takes finished code once, and stores it where it cannot be changed, as far as the method can.
 * 2. `mapAt` maps that code, executable, over reserved memory. It can be called any number of times.
 * 3. `close` releases what `prepare` acquired. Existing mappings stay.
 *
 * The guarantees of each method are in its file; `docs/code-pages.md` compares them.
 */
import type { Shape } from '../core/shape.js';

/** The name of a code page method. */
export type CodeSource = 'memfd' | 'template' | 'file' | 'trampfd' | 'rwx' | 'remap';

/** The place of code in a mapping, in bytes. Data begins where the mapping ends. */
export interface CodePlace {
  /** Offset of the code in the mapping. */
  readonly start: number;
  /** Length of the code. */
  readonly length: number;
  /** Whole pages. */
  readonly mappingLength: number;
}

/** Code to map. */
export interface CodeBlob {
  /** Equal for equal code, on one architecture. */
  readonly key: string;
  /** As many as the place has; without a place whole pages. */
  readonly bytes: Uint8Array;
  /** For code that consists of trampoline slots: their shape. */
  readonly shape?: Shape;
  /** The place that the code was generated for: the answer of `locate`, or a whole mapping. */
  readonly place?: CodePlace;
}

export interface CodePageMethod {
  readonly name: CodeSource;
  /**
   * For methods that cannot generate code: returns the place of the code that they have for a key. The code must be
   * generated for that place, since it depends on the distance to its data.
   * @throws TrampfdError if the method does not have this code
   */
  locate?(key: string): CodePlace;
  /** @throws TrampfdError if the system refuses, or the method does not have this code */
  prepare(code: CodeBlob): PreparedCode;
}

export interface PreparedCode {
  /** Replaces the reserved memory at the page-aligned `address` by the mapping that contains the code. */
  mapAt(address: bigint): void;
  close(): void;
}
