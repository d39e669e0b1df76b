/** Prepares a supervised run: finds the program, reads the policy, opens the audit log. */
import { accessSync, constants, openSync, statSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { delimiter } from 'node:path';
import { abi } from '../abi/layout.js';
import { TrampfdError } from '../core/errors.js';
import type { RestrictionName } from '../launcher/restrictions.js';
import { fromNodeError } from '../native/errno.js';
import {
  inheritedVariable,
  lastArguments,
  parseInheritedState,
  startsWithAscii,
} from './process/inherited-state.js';
import { type ExitResult, runSupervised } from './process/supervisor.js';
import type { AbiName } from './syscalls/filter.js';

export interface RunProgramOptions {
  /** Restrictions of the program: see `trampfd doctor --harden`. */
  readonly restrictions?: readonly RestrictionName[];
  /** Path of a policy file: `policy.schema.json`. */
  readonly policy?: string;
  /** Whether to write a line to standard error for each call. */
  readonly trace?: boolean;
  /** Path of the audit log. Lines are appended. */
  readonly audit?: string;
  readonly abi?: AbiName;
  /** Modules with additional object types, for tests. */
  readonly typeModules?: readonly string[];
}

const { EACCES } = osConstants.errno;

/** Exit codes of shells if a program is not found or cannot be executed. */
export const EXIT_NOT_FOUND = 127;
export const EXIT_NOT_EXECUTABLE = 126;

/**
 * Runs a program supervised, in place of this process: with its fds, working directory and environment.
 * @param argCount how many of the last arguments of this process are the program's
 * @throws TrampfdError if the program cannot be found (`ENOENT`), executed (`EACCES`) or supervised
 */
export async function runProgram(
  program: string,
  argCount: number,
  options: RunProgramOptions,
): Promise<ExitResult> {
  const path = findProgram(program);
  const policy =
    options.policy === undefined ? {} : (await import('./policy/policy.js')).readPolicy(options.policy);
  const inherited = parseInheritedState(process.env[inheritedVariable]);
  const programArgs = lastArguments(argCount);
  const supervisorPrefix = `${abi.supervisor.variable}=`;
  return runSupervised({
    path,
    argv: [program, ...programArgs],
    env: [
      ...inherited.environment.filter((variable) => !startsWithAscii(variable, supervisorPrefix)),
      `${supervisorPrefix}${abi.supervisor.version}`,
    ],
    restrictions: options.restrictions ?? [],
    noexec: policy.noexec ?? [],
    abi: options.abi ?? 'trampfd',
    inherited,
    policy,
    typeModules: options.typeModules ?? [],
    traceFd: options.trace === true ? 2 : undefined,
    auditFd: options.audit === undefined ? undefined : openAuditLog(options.audit),
  });
}

/** Finds a program as `execvp` does. */
function findProgram(name: string): string {
  const candidates =
    name === '' || name.includes('/')
      ? [name]
      : (process.env['PATH'] ?? '/usr/bin:/bin')
          .split(delimiter)
          .map((directory) => `${directory === '' ? '.' : directory}/${name}`);
  let accessError: TrampfdError | undefined;
  for (const path of candidates) {
    try {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (stat.isDirectory()) throw Object.assign(new Error(), { errno: EACCES });
      accessSync(path, constants.X_OK);
    } catch (error) {
      const { errno } = error as NodeJS.ErrnoException;
      accessError ??= fromNodeError(`run ${path}`, { errno, syscall: 'execve' }) as TrampfdError;
      continue;
    }
    assertReadable(path);
    return path;
  }
  throw accessError ?? new TrampfdError(`Cannot run ${name}: there is no such program`, { code: 'ENOENT' });
}

/** The kernel denies access to the memory of a program whose file is not readable, also to the supervisor. */
function assertReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    const attempt = `supervise ${path}, whose memory is inaccessible since its file is not readable`;
    throw fromNodeError(attempt, error);
  }
}

function openAuditLog(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (error) {
    throw fromNodeError(`open the audit log ${path}`, error);
  }
}
