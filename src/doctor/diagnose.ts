/** Finds out what a system allows, by trying. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CodePageMethodName } from '../codepage/method.js';
import { methodNames } from '../codepage/methods.js';
import { thisMachine } from '../linux/host.js';
import { canEnterUserNamespace, launch } from '../linux/launch.js';
import { type RestrictionName, restrictionCalls, restrictionNames } from '../linux/restrictions.js';
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
  const methods: Partial<Record<CodePageMethodName, MethodDiagnosis>> = {};
  for (const method of methodNames) {
    const result = (await probe(method, under)) as ProbeResult;
    methods[method] = result.works ? { works: true } : whoRefuses({ method, refused: result, system: seen });
  }
  const userNamespaces = await canEnterUserNamespace();
  return {
    under,
    methods: methods as Diagnosis['methods'],
    system: { ...seen, features: { ...seen.features, userNamespaces } },
  };
}

const program = fileURLToPath(new URL('probe.js', import.meta.url));

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
  const ended = new Promise<string>((resolve, reject) => {
    launched.process.on('error', reject);
    launched.process.on('close', (status, signal) => resolve(signal ?? `exit code ${status}`));
  });
  await launched.started;
  const how = await ended;
  try {
    return JSON.parse(output.stdout);
  } catch {
    const message = `the process that tried ended with ${how}: ${output.stderr.trim().split('\n').at(-1)}`;
    if (subject === 'system')
      throw new TrampfdError(`Cannot look at the system: ${message}`, { code: 'ERR_PROBE' });
    return { works: false, code: 'ERR_CRASHED', syscall: null, message } satisfies ProbeResult;
  }
}
