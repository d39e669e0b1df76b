/** Runs programs under `trampfd run`, through real processes. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ownErrors } from './child.js';

/** The command line, as it is installed. */
export const trampfd = fileURLToPath(new URL('../../../dist/bundle/trampfd.js', import.meta.url));

export interface SupervisedOptions {
  /** Of `trampfd run`. */
  readonly options?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly ids?: { readonly uid?: number; readonly gid?: number };
  /** For standard input. */
  readonly input?: string;
  /** A hang is a failure. In milliseconds. */
  readonly timeout?: number;
  /** Is told the number of the process that leads the group of all. */
  readonly started?: (pid: number) => void;
}

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program under the supervisor to its end. */
export function runSupervised(
  program: string,
  args: readonly string[] = [],
  { options = [], ...rest }: SupervisedOptions = {},
): Promise<Outcome> {
  return runPlain(trampfd, ['run', ...options, '--', program, ...args], rest);
}

/** The same without it. */
export async function runPlain(
  program: string,
  args: readonly string[] = [],
  { env = {}, cwd, ids = {}, input = '', timeout = 60_000, started }: Omit<SupervisedOptions, 'options'> = {},
): Promise<Outcome> {
  const child = spawn(program, args, {
    cwd,
    ...ids,
    env: { ...process.env, ...env },
    // A group of its own, so that nothing stays when time is up.
    detached: true,
  });
  if (child.pid !== undefined) started?.(child.pid);
  const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), timeout);
  const ended = new Promise<Pick<Outcome, 'status' | 'signal'>>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status, signal) => resolve({ status, signal }));
  });
  child.stdin.on('error', () => {}); // it has ended without reading
  child.stdin.end(input);
  try {
    const [stdout, stderr, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { ...end, stdout, stderr: ownErrors(stderr) };
  } finally {
    clearTimeout(timer);
  }
}
