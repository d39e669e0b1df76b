/** Options that trampolines and tables share. */
import type { CodeSource } from '../codepage/code-page-method.js';
import { methodNames } from '../codepage/method-selection.js';
import { displayName, oneOf, optionalBoolean } from '../core/validate.js';

export type Mode = 'fast' | 'slow';

export interface TrampolineOptions {
  /**
   * `'fast'` (default): the code is in a code page, and an invocation never leaves the program.
   * `'slow'`: there is no code, only reserved addresses. An invocation faults, and a signal handler does the
   * trampoline's work, with checks at every invocation. It costs microseconds and no memory for code; values
   * stand where the program can only read them.
   */
  readonly mode?: Mode;
  /**
   * How executable memory is made. Default: the first of `memfd`, `template`, `file` and `trampfd` that the
   * system allows. `rwx` and `remap` are only for those who name them.
   */
  readonly codeSource?: CodeSource;
  /** What debuggers, profilers, `trampfd inspect` and messages call it. */
  readonly name?: string;
  /**
   * Keeps names and stack traces of creation and free, checks that every PC lies in executable memory, tells
   * gdb the names, and lets a call of a freed trampoline say whose it was before it traps. Costs some
   * ten microseconds and kilobytes for each trampoline. Default: whether the environment variable `TRAMPFD_DEBUG` is
   * set and neither empty nor 0.
   */
  readonly debug?: boolean;
  /** Whether to list it in `/tmp/perf-PID.map`, where perf looks for names of generated code. Default false. */
  readonly perfMap?: boolean;
}

export const commonOptionNames = ['mode', 'codeSource', 'name', 'debug', 'perfMap'] as const;

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
  const mode = oneOf(rawOptions.mode, 'mode', ['fast', 'slow']);
  if (mode === 'slow' && rawOptions.codeSource !== undefined) {
    throw new RangeError('codeSource is about code, and slow trampolines have none');
  }
  return {
    mode,
    codeSource:
      rawOptions.codeSource === undefined
        ? undefined
        : oneOf(rawOptions.codeSource, 'codeSource', methodNames),
    name: displayName(rawOptions.name, 'name'),
    debug: rawOptions.debug === undefined ? isDebugDefault() : optionalBoolean(rawOptions.debug, 'debug'),
    perfMap: optionalBoolean(rawOptions.perfMap, 'perfMap'),
  };
}

let cachedDebugDefault: boolean | undefined;

/** Asked once: reading the environment takes longer than making a trampoline. */
function isDebugDefault(): boolean {
  if (cachedDebugDefault === undefined) {
    const value = process.env['TRAMPFD_DEBUG'] ?? '';
    cachedDebugDefault = value !== '' && value !== '0';
  }
  return cachedDebugDefault;
}
