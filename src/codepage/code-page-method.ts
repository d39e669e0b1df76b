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

/** Code to map. */
export interface CodeBlob {
  /** Equal for equal code, on one architecture. */
  readonly key: string;
  /** Whole pages. */
  readonly bytes: Uint8Array;
  /** For code that consists of trampoline slots: their shape. */
  readonly shape?: Shape;
}

export interface CodePageMethod {
  readonly name: CodeSource;
  /** For methods that cannot generate code: the one length, in bytes, of the code that they have. */
  readonly fixedCodeLength?: number;
  /** @throws TrampfdError if the system refuses, or the method does not have this code */
  prepare(code: CodeBlob): PreparedCode;
}

export interface PreparedCode {
  /** Replaces the reserved memory at the page-aligned `address` by the code. */
  mapAt(address: bigint): void;
  close(): void;
}
