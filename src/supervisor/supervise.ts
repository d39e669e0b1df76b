/** Supervised programs from TypeScript. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type RestrictionName, restrictionNames } from '../linux/restrictions.js';
import { spawn } from '../linux/spawn.js';
import { options as checkNames, flag, kind, oneOf } from '../trampoline/values.js';
import type { AbiName } from './filter.js';

/** What `trampfd run` takes; and `cwd`, `env`, `stdio` (default `'inherit'`) and `signal` as Node's `spawn` does. */
export interface SuperviseOptions extends Pick<SpawnOptions, 'cwd' | 'env' | 'stdio' | 'signal'> {
  /** Restrictions for the program: `mdwe`, `no-memfd`, `noexec-tmp`, `no-own-code`. */
  readonly harden?: readonly RestrictionName[];
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
const front = fileURLToPath(new URL('../bundle/trampfd.sh', import.meta.url));

/**
 * Runs a program with a supervisor that plays the kernel's part for it and for all that it starts, as
 * `trampfd run` does. The supervisor is a process of its own, and ends with the program: its exit code is the
 * program's, or 128 and the signal. Signals that it is sent go on to the program.
 *
 * @example
 * ```ts
 * import { once } from 'node:events';
 * import { supervise } from 'trampfd';
 *
 * const program = supervise('/bin/sh', ['-c', 'echo "version $TRAMPFD_SUPERVISOR"']);
 * const [status] = await once(program, 'exit');
 * console.log(status); // 0
 * ```
 * @returns Node's process; when the program could not be started, it exits with 125 to 127 and says why on standard error
 * @throws TypeError, RangeError for wrong arguments
 */
export function supervise(
  program: string,
  args: readonly string[] = [],
  options: SuperviseOptions = {},
): ChildProcess {
  const given = checkNames(options, 'options', [
    ...(['cwd', 'env', 'stdio', 'signal', 'harden', 'policy', 'audit', 'trace', 'abi'] as const),
  ]);
  if (typeof program !== 'string') throw new TypeError(`program must be a string, not ${kind(program)}`);
  if (!Array.isArray(args)) throw new TypeError(`args must be an array, not ${kind(args)}`);
  for (const [index, argument] of args.entries()) {
    if (typeof argument !== 'string') {
      throw new TypeError(`args[${index}] must be a string, not ${kind(argument)}`);
    }
  }
  const flags: string[] = [];
  const { harden = [] } = given;
  if (!Array.isArray(harden)) throw new TypeError(`harden must be an array, not ${kind(harden)}`);
  const names = harden.map((name, index) => oneOf(name ?? '', `harden[${index}]`, restrictionNames));
  if (names.length > 0) flags.push('--harden', names.join(','));
  for (const name of ['policy', 'audit'] as const) {
    const path = given[name];
    if (path === undefined) continue;
    if (typeof path !== 'string') throw new TypeError(`${name} must be a string, not ${kind(path)}`);
    flags.push(`--${name}`, path);
  }
  if (flag(given.trace, 'trace')) flags.push('--trace');
  if (given.abi !== undefined) flags.push('--abi', oneOf(given.abi, 'abi', ['trampfd', 'rfc-v1']));
  const { cwd, env, stdio = 'inherit', signal } = options;
  const rest = { stdio, ...(cwd === undefined ? {} : { cwd }), ...(env === undefined ? {} : { env }) };
  return spawn(front, ['--node', process.execPath, 'run', ...flags, '--', program, ...args], {
    ...rest,
    ...(signal === undefined ? {} : { signal }),
  });
}
