/** Options shared by trampolines, tables and register handlers. */
import type { CodeSource } from '../codepage/code-page-method.js';
import { methodNames } from '../codepage/method-selection.js';
import { displayName, oneOf, optionalBoolean } from '../core/validate.js';

export type Mode = 'fast' | 'slow';

export interface TrampolineOptions {
  /**
   * `'fast'` (default): the code is in a code page, and an invocation makes no system call.
   * `'slow'`: there is no code, only reserved addresses. An invocation faults, and a signal handler loads the
   * registers, with checks at every invocation. It costs microseconds and no memory for code; values are in memory
   * that the program can only read.
   */
  readonly mode?: Mode;
  /**
   * How executable memory is obtained. Default: the first of `memfd`, `template`, `file` and `trampfd` that the
   * system allows. `rwx` and `remap` are used only if named here.
   */
  readonly codeSource?: CodeSource;
  /** The name shown by debuggers, profilers, `trampfd inspect` and messages. */
  readonly name?: string;
  /**
   * Whether to record names and stack traces of creation and close, check that every PC is in executable memory,
   * register the names with gdb, and print who freed a trampoline when it is called later, before it traps. Costs
   * about ten microseconds and a few kilobytes for each trampoline. Default: whether the environment variable
   * `TRAMPFD_DEBUG` is set and neither empty nor 0.
   */
  readonly debug?: boolean;
  /** Whether to list it in `/tmp/perf-PID.map`, where perf looks for names of generated code. Default false. */
  readonly perfMap?: boolean;
}

export const commonOptionNames = ['mode', 'codeSource', 'name', 'debug', 'perfMap'] as const;

const modes: readonly Mode[] = ['fast', 'slow'];

export interface ValidatedOptions {
  readonly mode: Mode;
  readonly codeSource: CodeSource | undefined;
  readonly name: string | undefined;
  readonly debug: boolean;
  readonly perfMap: boolean;
}

export function validateOptions(
  rawOptions: { readonly [Key in (typeof commonOptionNames)[number]]?: unknown },
): ValidatedOptions {
  const mode = oneOf(rawOptions.mode, 'mode', modes);
  const { codeSource } = rawOptions;
  if (mode === 'slow' && codeSource !== undefined) {
    throw new RangeError('codeSource is for code, which slow trampolines do not have');
  }
  return {
    mode,
    codeSource: codeSource === undefined ? undefined : oneOf(codeSource, 'codeSource', methodNames),
    name: displayName(rawOptions.name, 'name'),
    debug: rawOptions.debug === undefined ? isDebugDefault() : optionalBoolean(rawOptions.debug, 'debug'),
    perfMap: optionalBoolean(rawOptions.perfMap, 'perfMap'),
  };
}

let cachedDebugDefault: boolean | undefined;

/** Cached, since reading the environment takes longer than creating a trampoline. */
export function isDebugDefault(): boolean {
  if (cachedDebugDefault === undefined) {
    const value = process.env['TRAMPFD_DEBUG'] ?? '';
    cachedDebugDefault = value !== '' && value !== '0';
  }
  return cachedDebugDefault;
}
