/**
 * Starts programs through the launcher: a static executable without libraries, which the build generates. It executes a
 * script of system calls, the last of which is `execve`. Node cannot execute them itself: the kernel does not let a
 * process with threads enter a user namespace, and such changes would also apply to Node.
 *
 * The launcher reads the script from fd 3, closes it, and executes one system call after the other. If one fails, it
 * writes the call's index and errno to the status pipe, usually fd 4, and exits with 125. The script itself writes a
 * byte there just before `execve`: if the pipe is empty at EOF, the launcher was killed. A successful `execve` closes
 * the pipe.
 */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fromNodeError } from '../native/errno.js';
import { nativeFile } from '../native/files.js';
import { execSyscalls } from './exec-syscalls.js';
import { decodeFailure } from './launch-failure.js';
import { spawn } from './spawn.js';
import { defaultStatusFd, encodeScript, type SyscallRequest, scriptFd } from './syscall-script.js';

/** Returns the path of the shipped launcher for an architecture. */
export function launcherPath(architecture: string): string {
  return nativeFile(`launch-${architecture}`);
}

export interface LaunchedProgram {
  readonly process: ChildProcess;
  /** Resolves after `execve`; rejects with the error of the system call that failed. */
  readonly started: Promise<void>;
}

export interface LaunchOptions extends Pick<SpawnOptions, 'stdio'> {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** System calls before the program is executed. */
  readonly setupSyscalls?: readonly SyscallRequest[];
}

/** Starts a program by its path, after some system calls in its process. */
export function launch(path: string, args: readonly string[], options: LaunchOptions = {}): LaunchedProgram {
  const { cwd = process.cwd(), env = process.env, setupSyscalls = [], stdio = 'inherit' } = options;
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${value}`,
  );
  return runLauncher(
    execSyscalls({ path, argv: [path, ...args], env: variables, cwd, setupSyscalls }),
    stdio,
  );
}

/** Runs the launcher with a script. */
export function runLauncher(
  syscalls: readonly SyscallRequest[],
  stdio: SpawnOptions['stdio'],
): LaunchedProgram {
  const script = encodeScript(syscalls);
  const standardStreams = Array.isArray(stdio) ? stdio.slice(0, 3) : [stdio, stdio, stdio];
  const child = spawn(launcherPath(process.arch), [], {
    env: {},
    stdio: [...standardStreams, 'pipe', 'pipe'],
  });
  // If no fds are left, both are undefined, and 'error' is emitted.
  const scriptPipe = child.stdio?.[scriptFd] as Writable | undefined;
  const statusPipe = child.stdio?.[defaultStatusFd] as Readable | undefined;
  const started = new Promise<void>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const exitDescription = new Promise<string>((settle) => {
      child.on('exit', (status, signal) => settle(signal ?? `exit code ${status}`));
    });
    scriptPipe?.on('error', () => {}); // the launcher exited; the status pipe has the reason
    child.on('error', (error) => reject(fromNodeError('start the launcher', error)));
    statusPipe?.on('data', (chunk: Buffer) => chunks.push(chunk));
    statusPipe?.on('end', async () => {
      const statusBytes = Buffer.concat(chunks);
      const error = decodeFailure(
        statusBytes,
        syscalls,
        statusBytes.length === 0 ? await exitDescription : '',
      );
      if (error === undefined) resolve();
      else reject(error);
    });
  });
  scriptPipe?.end(script);
  return { process: child, started };
}
