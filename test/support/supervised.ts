/** Runs programs under `trampfd run`, as real processes. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ownErrors } from './child.js';

/** The command as it is installed. */
export const trampfd = fileURLToPath(new URL('../../../dist/bundle/trampfd.js', import.meta.url));

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly ids?: { readonly uid?: number; readonly gid?: number };
  /** Text for standard input. */
  readonly input?: string;
  /** Milliseconds until all processes are killed. */
  readonly timeout?: number;
  /** Called with the process ID of the first process, which is also that of its process group. */
  readonly started?: (pid: number) => void;
}

export interface SupervisedOptions extends RunOptions {
  /** Options of `trampfd run`. */
  readonly options?: readonly string[];
}

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program under a supervisor until it ends. */
export function runSupervised(
  program: string,
  args: readonly string[] = [],
  { options = [], ...runOptions }: SupervisedOptions = {},
): Promise<Outcome> {
  return runPlain(trampfd, ['run', ...options, '--', program, ...args], runOptions);
}

/** Runs a program under a supervisor that has the object type of test/supervisor/sample-type.ts. */
export function runWithSampleType(program: string, options: RunOptions = {}): Promise<Outcome> {
  const supervisor = fileURLToPath(new URL('../supervisor/sample-type.child.js', import.meta.url));
  return runPlain(process.execPath, [supervisor, program], options);
}

/** Runs a program without a supervisor. */
export async function runPlain(
  program: string,
  args: readonly string[] = [],
  { env = {}, cwd, ids = {}, input = '', timeout = 60_000, started }: RunOptions = {},
): Promise<Outcome> {
  const child = spawn(program, args, {
    cwd,
    ...ids,
    env: { ...process.env, ...env },
    // In its own process group, so that the timeout kills all processes.
    detached: true,
  });
  if (child.pid !== undefined) started?.(child.pid);
  const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), timeout);
  const exit = new Promise<Pick<Outcome, 'status' | 'signal'>>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status, signal) => resolve({ status, signal }));
  });
  child.stdin.on('error', () => {}); // the program ended without reading
  child.stdin.end(input);
  try {
    const [stdout, stderr, result] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
    return { ...result, stdout, stderr: ownErrors(stderr) };
  } finally {
    clearTimeout(timer);
  }
}
