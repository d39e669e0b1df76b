/**
 * How executable bytes come into being. The contract of every method, in a nutshell:
 *
 * 1. `prepare` takes finished code once, and keeps it where nobody can change it, as far as the method can.
 * 2. `mapAt` puts that code at an address of reserved memory, executable, any number of times.
 * 3. `close` gives back what `prepare` took. What is mapped stays.
 *
 * What each method guarantees stands in its file; `docs/code-pages.md` compares them.
 */
import type { Shape } from '../core/shape.js';

export type CodePageMethodName = 'memfd' | 'template' | 'file' | 'trampfd' | 'rwx' | 'remap';

/** Code to be made executable. */
export interface CodeBlob {
  /** What it is: equal for equal code, on one architecture. */
  readonly key: string;
  /** Whole pages. */
  readonly bytes: Uint8Array;
  /** Of code that is slots of trampolines. */
  readonly shape?: Shape;
}

export interface CodePageMethod {
  readonly name: CodePageMethodName;
  /** The one length of code that this method has, where it cannot make any. */
  readonly fixedCodeLength?: number;
  /** @throws TrampfdError when the system refuses, or the method has no such code */
  prepare(code: CodeBlob): PreparedCode;
}

export interface PreparedCode {
  /** Replaces reserved memory at `address` by the code. */
  mapAt(address: bigint): void;
  close(): void;
}
