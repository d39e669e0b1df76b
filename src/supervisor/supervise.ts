/** Supervised programs from TypeScript. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describeType, knownOptions, oneOf, optionalBoolean } from '../core/validate.js';
import { type RestrictionName, restrictionNames } from '../launcher/restrictions.js';
import { spawn } from '../linux/process/spawn.js';
import { hostMachine } from '../native/host.js';
import type { AbiName } from './syscalls/filter.js';

/** One of the program's standard streams, as Node's `spawn` takes it. */
export type Stdio = 'inherit' | 'ignore' | 'pipe' | 'overlapped' | 'ipc' | number | object | null | undefined;

/** What `trampfd run` takes; and `cwd`, `env`, `stdio` and `signal` as Node's `spawn` does, without its types. */
export interface SpawnSupervisedOptions {
  /** The program's working directory: a path, or a `file:` URL. Default: this process's. */
  readonly cwd?: string | { readonly href: string } | undefined;
  /** The program's environment. Default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The program's standard streams. Default `'inherit'`. */
  readonly stdio?: 'inherit' | 'ignore' | 'pipe' | 'overlapped' | readonly Stdio[] | undefined;
  /** An `AbortSignal`. */
  readonly signal?: { readonly aborted: boolean } | undefined;
  /** Restrictions for the program: `mdwe`, `no-memfd`, `noexec-tmp`, `no-own-code`. */
  readonly restrictions?: readonly RestrictionName[];
  /** A file that says what the program may ask for: docs/policy.md. */
  readonly policy?: string;
  /** A file that gets a line of JSON for every call refused with `EPERM` and every slow invocation that is refused. */
  readonly audit?: string;
  /** Whether to write a line to standard error for every call. Default false. */
  readonly trace?: boolean;
  /** `'rfc-v1'` also takes the calls of the first proposal. */
  readonly abi?: AbiName;
}

/** In the bundle, also for those who load this file from beside it. */
const commandPath = fileURLToPath(new URL('../bundle/trampfd.js', import.meta.url));

/**
 * Runs a program with a supervisor that plays the kernel's part for it and for all that it starts, as
 * `trampfd run` does. The supervisor is a process of its own, and ends with the program: its exit code is the
 * program's, or 128 and the signal. Signals that it is sent go on to the program.
 *
 * @example
 * ```ts
 * import { once } from 'node:events';
 * import { spawnSupervised } from 'trampfd/supervisor';
 *
 * const program = spawnSupervised('/bin/sh', ['-c', 'echo "version $TRAMPFD_SUPERVISOR"']);
 * const [status] = await once(program, 'exit');
 * console.log(status); // 0
 * ```
 * @returns Node's process; when the program could not be started, it exits with 125 to 127 and says why on standard error
 * @throws TypeError, RangeError for wrong arguments
 */
export function spawnSupervised(
  program: string,
  args: readonly string[] = [],
  options: SpawnSupervisedOptions = {},
): ChildProcess {
  const validOptions = knownOptions(options, 'options', [
    ...(['cwd', 'env', 'stdio', 'signal', 'restrictions', 'policy', 'audit', 'trace', 'abi'] as const),
  ]);
  if (typeof program !== 'string')
    throw new TypeError(`program must be a string, not ${describeType(program)}`);
  if (!Array.isArray(args)) throw new TypeError(`args must be an array, not ${describeType(args)}`);
  for (const [index, argument] of args.entries()) {
    if (typeof argument !== 'string') {
      throw new TypeError(`args[${index}] must be a string, not ${describeType(argument)}`);
    }
  }
  const flags: string[] = [];
  const { restrictions = [] } = validOptions;
  if (!Array.isArray(restrictions))
    throw new TypeError(`restrictions must be an array, not ${describeType(restrictions)}`);
  const names = restrictions.map((name, index) =>
    oneOf(name ?? '', `restrictions[${index}]`, restrictionNames),
  );
  if (names.length > 0) flags.push('--harden', names.join(','));
  for (const name of ['policy', 'audit'] as const) {
    const path = validOptions[name];
    if (path === undefined) continue;
    if (typeof path !== 'string') throw new TypeError(`${name} must be a string, not ${describeType(path)}`);
    flags.push(`--${name}`, path);
  }
  if (optionalBoolean(validOptions.trace, 'trace')) flags.push('--trace');
  if (validOptions.abi !== undefined)
    flags.push('--abi', oneOf(validOptions.abi, 'abi', ['trampfd', 'rfc-v1']));
  hostMachine();
  const { cwd, env, stdio = 'inherit', signal } = options;
  const spawnOptions = {
    stdio,
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
  };
  // The shell is named, since the program's PATH need not lead to one.
  return spawn(
    '/bin/sh',
    [commandPath, '--node', process.execPath, 'run', ...flags, '--', program, ...args],
    {
      ...spawnOptions,
      ...(signal === undefined ? {} : { signal }),
    } as SpawnOptions,
  );
}
