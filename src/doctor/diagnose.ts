/** Finds out what a system allows, by trying. */
import { fileURLToPath } from 'node:url';
import type { CodePageMethodName } from '../codepage/method.js';
import { methodNames } from '../codepage/methods.js';
import { fromNode } from '../linux/errno.js';
import { thisMachine } from '../linux/host.js';
import { canEnterUserNamespace, launch } from '../linux/launch.js';
import { type RestrictionName, restrictionCalls, restrictionNames } from '../linux/restrictions.js';
import { spawn } from '../linux/spawn.js';
import { TrampfdError } from '../trampoline/errors.js';
import { options as checkNames, kind, oneOf } from '../trampoline/values.js';
import type { ProbeResult } from './probe.js';
import { whoRefuses } from './refusals.js';
import type { Diagnosis, MethodDiagnosis } from './schema.js';
import type { SeenFromInside } from './system.js';

export interface DiagnoseOptions {
  /**
   * Restrictions to apply to the processes that try: `mdwe`, `no-memfd`, `noexec-tmp`, `no-own-code`.
   * Default: none, the system as it is.
   */
  readonly under?: readonly RestrictionName[];
}

/**
 * Tries every code page method, each in a process of its own, and tells which work, who forbids the others,
 * and what to change.
 *
 * @example
 * ```ts
 * import { diagnose } from 'trampfd';
 *
 * const { methods, system } = await diagnose();
 * for (const [name, method] of Object.entries(methods)) {
 *   console.log(name, method.works ? 'works' : `is refused by ${method.refusedBy}`);
 * }
 * ```
 * @throws TypeError, RangeError for wrong options
 * @throws TrampfdError when a restriction cannot be applied here
 */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const { under: given = [] } = checkNames(options, 'options', ['under']);
  if (!Array.isArray(given)) throw new TypeError(`under must be an array, not ${kind(given)}`);
  const under = given.map((name, index) => oneOf(name ?? null, `under[${index}]`, restrictionNames));
  const seen = (await probe('system', under)) as SeenFromInside;
  const results = await Promise.all(
    methodNames.map(async (method): Promise<[CodePageMethodName, MethodDiagnosis]> => {
      const result = (await probe(method, under)) as ProbeResult;
      return [method, result.works ? { works: true } : whoRefuses({ method, refused: result, system: seen })];
    }),
  );
  const userNamespaces = await canEnterUserNamespace();
  return {
    under,
    methods: Object.fromEntries(results) as Diagnosis['methods'],
    system: { ...seen, features: { ...seen.features, userNamespaces } },
  };
}

const program = fileURLToPath(new URL('probe.js', import.meta.url));

/** Milliseconds that a process gets: enough for any machine, and an end for one that hangs. */
const patience = 60_000;

/** Runs the probe. It needs no compiler, and under MDWE can have none. */
async function probe(
  subject: CodePageMethodName | 'system',
  under: readonly RestrictionName[],
): Promise<unknown> {
  const args = ['--jitless', program, subject];
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const launched =
    under.length === 0
      ? { process: spawn(process.execPath, args, { stdio: [...stdio] }), started: Promise.resolve() }
      : launch(process.execPath, args, { stdio: [...stdio], before: restrictionCalls(thisMachine(), under) });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    launched.process[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
    });
  }
  const deadline = setTimeout(() => launched.process.kill('SIGKILL'), patience);
  const ended = new Promise<string>((resolve, reject) => {
    launched.process.on('error', (error) => reject(fromNode('start a process that tries', error)));
    launched.process.on('close', (status, signal) => resolve(signal ?? `exit code ${status}`));
  });
  const [how] = await Promise.all([ended, launched.started]).finally(() => clearTimeout(deadline));
  try {
    return JSON.parse(output.stdout);
  } catch {
    const message = `the process that tried ended with ${how}${lastWords(output.stderr)}`;
    if (subject === 'system')
      throw new TrampfdError(`Cannot look at the system: ${message}`, { code: 'ERR_PROBE' });
    return { works: false, code: 'ERR_CRASHED', syscall: null, message } satisfies ProbeResult;
  }
}

/** What a program said before it ended: of a Node that failed, the line with the error. */
function lastWords(stderr: string): string {
  // V8 warns of --jitless itself.
  const lines = stderr
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('Warning: disabling flag'));
  const line = lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? '';
  // What the loader says when a library lies where nothing may be executed.
  const hint = line.includes('failed to map segment') ? '; this package lies on a noexec mount' : '';
  return `${line === '' ? '' : `: ${line}`}${hint}`;
}
