/** Tries every code page method in a process of its own. */
import { fileURLToPath } from 'node:url';
import type { CodeSource } from '../codepage/code-page-method.js';
import { methodNames } from '../codepage/method-selection.js';
import { TrampfdError } from '../core/errors.js';
import { describeType, knownOptions, oneOf } from '../core/validate.js';
import { launch } from '../launcher/launcher.js';
import { type RestrictionName, restrictionNames, restrictionSyscalls } from '../launcher/restrictions.js';
import { spawn } from '../launcher/spawn.js';
import { canEnterUserNamespace } from '../launcher/user-namespace.js';
import { fromNodeError } from '../native/errno.js';
import { hostMachine } from '../native/host.js';
import type { Diagnosis, MethodDiagnosis } from './diagnosis.js';
import type { ProbeResult } from './probe.js';
import { diagnoseFailure } from './rules.js';
import type { ProcessReport } from './system.js';

export interface DiagnoseOptions {
  /**
   * Restrictions to apply to the probe processes: `mdwe`, `no-memfd`, `noexec-tmp`, `no-own-code`.
   * Default: none.
   */
  readonly restrictions?: readonly RestrictionName[];
}

/**
 * Tries every code page method, each in a process of its own, and returns which work, what refuses the others,
 * and how to change that.
 *
 * @example
 * ```ts
 * import { diagnose } from 'trampfd/diagnose';
 *
 * const { methods, system } = await diagnose();
 * for (const [name, method] of Object.entries(methods)) {
 *   console.log(name, method.works ? 'works' : `is refused by ${method.refusedBy}`);
 * }
 * ```
 * @throws TypeError, RangeError for wrong options
 * @throws TrampfdError if a restriction cannot be applied here
 */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const { restrictions: requested = [] } = knownOptions(options, 'options', ['restrictions']);
  if (!Array.isArray(requested))
    throw new TypeError(`restrictions must be an array, not ${describeType(requested)}`);
  const restrictions = requested.map((name, index) =>
    oneOf(name ?? null, `restrictions[${index}]`, restrictionNames),
  );
  hostMachine();
  const processReport = (await runProbe('system', restrictions)) as ProcessReport;
  const results = await Promise.all(
    methodNames.map(async (method): Promise<[CodeSource, MethodDiagnosis]> => {
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

/** Enough for slow and emulated machines; a probe that hangs is killed. */
const probeTimeoutMs = 60_000;

/** Runs the probe with --jitless: it needs no JIT compiler, and under MDWE there can be none. */
async function runProbe(
  subject: CodeSource | 'system',
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
    launched.process.on('error', (error) => reject(fromNodeError('start a probe process', error)));
    launched.process.on('close', (status, signal) => resolve(signal ?? `exit code ${status}`));
  });
  const [exitStatus] = await Promise.all([exited, launched.started]).finally(() => clearTimeout(deadline));
  try {
    return JSON.parse(output.stdout);
  } catch {
    const message = `the probe ended with ${exitStatus}${lastErrorLine(output.stderr)}`;
    if (subject === 'system')
      throw new TrampfdError(`Cannot inspect the system: ${message}`, { code: 'ERR_TRAMPFD_PROBE' });
    return { works: false, code: 'ERR_TRAMPFD_CRASHED', syscall: null, message } satisfies ProbeResult;
  }
}

/** Returns the last line that a program wrote to stderr or, if Node failed, the line with the error. */
function lastErrorLine(stderr: string): string {
  // V8 prints a warning about --jitless.
  const lines = stderr
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('Warning: disabling flag'));
  const line = lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? '';
  // The loader's message for a library on a noexec mount.
  const hint = line.includes('failed to map segment') ? '; this package is on a noexec mount' : '';
  return `${line === '' ? '' : `: ${line}`}${hint}`;
}
