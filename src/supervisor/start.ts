/** From what the caller asks for to a supervised program: paths, policy, files for reports. */
import { accessSync, constants, openSync, statSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { delimiter } from 'node:path';
import { abi } from '../abi/layout.js';
import { fromNode } from '../linux/errno.js';
import type { RestrictionName } from '../linux/restrictions.js';
import { TrampfdError } from '../trampoline/errors.js';
import type { AbiName } from './filter.js';
import { inheritedVariable, lastArguments, readInherited, startsWith } from './inherited.js';
import { type Ended, runSupervised } from './run.js';

export interface StartOptions {
  /** Restrictions for the program: see `trampfd doctor --under`. */
  readonly harden?: readonly RestrictionName[];
  /** A file with a policy: `policy.schema.json`. */
  readonly policy?: string;
  /** Whether to write a line to standard error for each call. */
  readonly trace?: boolean;
  /** A file that gets a line of JSON for whatever the policy or a check refuses. It is appended to. */
  readonly audit?: string;
  readonly abi?: AbiName;
  /** Modules with further types of objects. */
  readonly types?: readonly string[];
}

const { EACCES } = osConstants.errno;

/** What shells exit with when a program is not found, or cannot be run. */
export const notFound = 127;
export const notRunnable = 126;

/**
 * Runs a program supervised, in place of this process: with its standard streams, folder and environment.
 * @param args how many of this process's last arguments are the program's
 * @throws TrampfdError with `ENOENT` or `EACCES` when there is no such program, and with what else is refused
 */
export async function start(program: string, args: number, options: StartOptions): Promise<Ended> {
  const path = findProgram(program);
  const policy = options.policy === undefined ? {} : (await import('./policy.js')).readPolicy(options.policy);
  const inherited = readInherited(process.env[inheritedVariable]);
  const given = lastArguments(args);
  const announcement = `${abi.supervisor.variable}=`;
  return runSupervised({
    path,
    argv: [program, ...given],
    env: [
      ...inherited.environment.filter((variable) => !startsWith(variable, announcement)),
      `${announcement}${abi.supervisor.version}`,
    ],
    restrictions: options.harden ?? [],
    noexec: policy.noexec ?? [],
    abi: options.abi ?? 'trampfd',
    inherited,
    policy,
    types: options.types ?? [],
    traceTo: options.trace === true ? 2 : undefined,
    auditTo: options.audit === undefined ? undefined : openAudit(options.audit),
  });
}

/** Finds a program as `execvp` does. */
function findProgram(name: string): string {
  const candidates =
    name === '' || name.includes('/')
      ? [name]
      : (process.env['PATH'] ?? '/usr/bin:/bin')
          .split(delimiter)
          .map((folder) => `${folder === '' ? '.' : folder}/${name}`);
  let refusal: TrampfdError | undefined;
  for (const path of candidates) {
    try {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (stat.isDirectory()) throw Object.assign(new Error(), { errno: EACCES });
      accessSync(path, constants.X_OK);
    } catch (error) {
      const { errno } = error as NodeJS.ErrnoException;
      refusal ??= fromNode(`run ${path}`, { errno, syscall: 'execve' }) as TrampfdError;
      continue;
    }
    checkReadable(path);
    return path;
  }
  throw refusal ?? new TrampfdError(`Cannot run ${name}: there is no such program`, { code: 'ENOENT' });
}

/** The kernel hides the memory of a program whose file cannot be read, also from the supervisor. */
function checkReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    const attempt = `supervise ${path}, whose memory the kernel hides since its file cannot be read`;
    throw fromNode(attempt, error);
  }
}

function openAudit(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (error) {
    throw fromNode(`open the audit log ${path}`, error);
  }
}
