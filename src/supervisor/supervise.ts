/** Runs supervised programs from TypeScript. */
import type { SpawnOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describeType, knownOptions, oneOf, optionalBoolean } from '../core/validate.js';
import { restrictionNames } from '../launcher/restrictions.js';
import { spawn } from '../launcher/spawn.js';
import { hostMachine } from '../native/host.js';
import type { SpawnSupervisedOptions, SupervisedProcess } from './supervised-process.js';

export type {
  SpawnSupervisedOptions,
  SupervisedInput,
  SupervisedOutput,
  SupervisedProcess,
  SupervisedStdio,
} from './supervised-process.js';

/** In the bundle, also if this module was loaded from outside it. */
const commandPath = fileURLToPath(new URL('../bundle/trampfd.js', import.meta.url));

/**
 * Runs a program, and all processes that it starts, under a supervisor that implements `trampfd_create(2)` for them, as
 * `trampfd run` does. The supervisor is a process of its own and ends with the program; its exit code is the program's,
 * or 128 plus the signal. It forwards the signals that it receives.
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
 * @returns Node's `ChildProcess`. If the program cannot be started, it writes an error and exits with 125 to 127
 * @throws TypeError, RangeError for wrong arguments
 */
export function spawnSupervised(
  program: string,
  args: readonly string[] = [],
  options: SpawnSupervisedOptions = {},
): SupervisedProcess {
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
    ...(signal === undefined ? {} : { signal }),
  } as SpawnOptions;
  // The shell by its path: the program's PATH may contain none.
  return spawn(
    '/bin/sh',
    [commandPath, '--node', process.execPath, 'run', ...flags, '--', program, ...args],
    spawnOptions,
  );
}
