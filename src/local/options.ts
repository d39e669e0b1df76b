/** Options that trampolines and tables share. */
import type { CodePageMethodName } from '../codepage/method.js';
import { methodNames } from '../codepage/methods.js';
import { flag, label, oneOf } from '../trampoline/values.js';

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
  readonly method?: CodePageMethodName;
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

export const optionNames = ['mode', 'method', 'name', 'debug', 'perfMap'] as const;

export interface CheckedOptions {
  readonly mode: Mode;
  readonly method: CodePageMethodName | undefined;
  readonly name: string | undefined;
  readonly debug: boolean;
  readonly perfMap: boolean;
}

export function checkedOptions(
  given: { readonly [Key in (typeof optionNames)[number]]?: unknown },
): CheckedOptions {
  const mode = oneOf(given.mode, 'mode', ['fast', 'slow']);
  if (mode === 'slow' && given.method !== undefined) {
    throw new RangeError('method is about code, and slow trampolines have none');
  }
  return {
    mode,
    method: given.method === undefined ? undefined : oneOf(given.method, 'method', methodNames),
    name: label(given.name, 'name'),
    debug: given.debug === undefined ? debugByDefault() : flag(given.debug, 'debug'),
    perfMap: flag(given.perfMap, 'perfMap'),
  };
}

let debugDefault: boolean | undefined;

/** Asked once: reading the environment takes longer than making a trampoline. */
function debugByDefault(): boolean {
  if (debugDefault === undefined) {
    const value = process.env['TRAMPFD_DEBUG'] ?? '';
    debugDefault = value !== '' && value !== '0';
  }
  return debugDefault;
}
