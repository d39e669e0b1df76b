import type { ModuleCode } from '../assemble-module.js';
import type { GlueCode } from '../ffi-code.js';
import type { GlueData } from '../glue-layout.js';

/** Facts of the program file that the launcher's code depends on. */
export interface LauncherLayout {
  /** Offset of the script buffer from the start of the code, and its length, in bytes. */
  readonly bufferOffset: number;
  readonly bufferLength: number;
  /** The fd that the script is read from. */
  readonly scriptFd: number;
  /** Exit status if a system call failed. */
  readonly exitFailure: number;
}

/** Code of one architecture that goes into files of the package, and not into the run-time bundle. */
export interface BuildCode {
  /** Bytes of the largest page that a kernel for this architecture can have. */
  readonly maxPageSize: number;
  /** A function that returns at once. */
  emptyFunction(): Uint8Array;
  /** The code between C and JavaScript. */
  glue(): GlueCode;
  /** The code of the native module, for imports at `data`. */
  moduleCode(data: GlueData): ModuleCode;
  /** Type of the relocation that stores the address of a symbol in 64 bits. */
  readonly importRelocation: number;
  /** A program that reads a script of system calls and executes them. */
  launcher(layout: LauncherLayout): Uint8Array;
}
