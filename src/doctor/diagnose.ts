/** Finds out what a system allows, by trying. */
import { fileURLToPath } from 'node:url';
import type { CodePageMethodName } from '../codepage/code-page-method.js';
import { methodNames } from '../codepage/method-selection.js';
import { TrampfdError } from '../core/errors.js';
import { knownOptions as checkNames, describeType, oneOf } from '../core/validate.js';
import { launch } from '../launcher/launcher.js';
import { type RestrictionName, restrictionNames, restrictionSyscalls } from '../launcher/restrictions.js';
import { spawn } from '../launcher/spawn.js';
import { canEnterUserNamespace } from '../launcher/user-namespace.js';
import { fromNodeError } from '../native/errno.js';
import { hostMachine } from '../native/host.js';
import type { ProbeResult } from './probe.js';
import { diagnoseFailure } from './rules.js';
import type { Diagnosis, MethodDiagnosis } from './schema.js';
import type { ProcessReport } from './system.js';

export interface DiagnoseOptions {
  /**
   * Restrictions to apply to the processes that try: `mdwe`, `no-memfd`, `noexec-tmp`, `no-own-code`.
   * Default: none, the system as it is.
   */
  readonly restrictions?: readonly RestrictionName[];
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
  const { restrictions: requested = [] } = checkNames(options, 'options', ['restrictions']);
  if (!Array.isArray(requested))
    throw new TypeError(`restrictions must be an array, not ${describeType(requested)}`);
  const restrictions = requested.map((name, index) =>
    oneOf(name ?? null, `restrictions[${index}]`, restrictionNames),
  );
  const processReport = (await runProbe('system', restrictions)) as ProcessReport;
  const results = await Promise.all(
    methodNames.map(async (method): Promise<[CodePageMethodName, MethodDiagnosis]> => {
      const result = (await runProbe(method, restrictions)) as ProbeResult;
      return [
        method,
        result.works ? { works: true } : diagnoseFailure({ method, failure: result, system: processReport }),
      ];
    }),
  );
  const userNamespaces = await canEnterUserNamespace();
  return {
    restrictions,
    methods: Object.fromEntries(results) as Diagnosis['methods'],
    system: { ...processReport, features: { ...processReport.features, userNamespaces } },
  };
}

const probeProgram = fileURLToPath(new URL('probe.js', import.meta.url));

/** Milliseconds that a process gets: enough for any machine, and an end for one that hangs. */
const probeTimeoutMs = 60_000;

/** Runs the probe. It needs no compiler, and under MDWE can have none. */
async function runProbe(
  subject: CodePageMethodName | 'system',
  restrictions: readonly RestrictionName[],
): Promise<unknown> {
  const args = ['--jitless', probeProgram, subject];
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const launched =
    restrictions.length === 0
      ? { process: spawn(process.execPath, args, { stdio: [...stdio] }), started: Promise.resolve() }
      : launch(process.execPath, args, {
          stdio: [...stdio],
          setupSyscalls: restrictionSyscalls(hostMachine(), restrictions),
        });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    launched.process[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
    });
  }
  const deadline = setTimeout(() => launched.process.kill('SIGKILL'), probeTimeoutMs);
  const exited = new Promise<string>((resolve, reject) => {
    launched.process.on('error', (error) => reject(fromNodeError('start a process that tries', error)));
    launched.process.on('close', (status, signal) => resolve(signal ?? `exit code ${status}`));
  });
  const [exitStatus] = await Promise.all([exited, launched.started]).finally(() => clearTimeout(deadline));
  try {
    return JSON.parse(output.stdout);
  } catch {
    const message = `the process that tried ended with ${exitStatus}${lastErrorLine(output.stderr)}`;
    if (subject === 'system')
      throw new TrampfdError(`Cannot look at the system: ${message}`, { code: 'ERR_PROBE' });
    return { works: false, code: 'ERR_CRASHED', syscall: null, message } satisfies ProbeResult;
  }
}

/** What a program said before it ended: of a Node that failed, the line with the error. */
function lastErrorLine(stderr: string): string {
  // V8 warns of --jitless itself.
  const lines = stderr
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('Warning: disabling flag'));
  const line = lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? '';
  // What the loader says when a library lies where nothing may be executed.
  const hint = line.includes('failed to map segment') ? '; this package lies on a noexec mount' : '';
  return `${line === '' ? '' : `: ${line}`}${hint}`;
}
