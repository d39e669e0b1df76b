/** The script that executes a program. */
import { resolve } from 'node:path';
import { F_SETFD, FD_CLOEXEC } from '../linux/fs/fds.js';
import { hostMachine } from '../native/host.js';
import { defaultStatusFd, type SyscallRequest } from './syscall-script.js';

/** A program to execute. Arguments and environment are strings, or bytes that end with NUL. */
export interface ExecSpec {
  readonly path: string;
  readonly argv: readonly (string | Uint8Array)[];
  readonly env: readonly (string | Uint8Array)[];
  /** Working directory; `undefined` to inherit it. */
  readonly cwd: string | undefined;
  /** System calls before all others. */
  readonly setupSyscalls: readonly SyscallRequest[];
  /** System calls just before `execve`, after readiness was reported. */
  readonly finalSyscalls?: readonly SyscallRequest[];
}

/** Returns the system calls that execute a program. Before the final ones they report readiness. */
export function execSyscalls(
  { path, argv, env, cwd, setupSyscalls, finalSyscalls = [] }: ExecSpec,
  statusFd = defaultStatusFd,
): SyscallRequest[] {
  const { systemCalls } = hostMachine().linux;
  // After a remount an inherited directory would still be on the old mount, without the new flags.
  const chdirTo = (directory: string): SyscallRequest => ({
    name: 'chdir',
    number: systemCalls.chdir,
    arguments: [resolve(directory)],
    attempt: `enter ${directory}`,
  });
  return [
    {
      name: 'fcntl',
      number: systemCalls.fcntl,
      arguments: [statusFd, F_SETFD, FD_CLOEXEC],
      attempt: 'set FD_CLOEXEC on the status pipe',
    },
    ...setupSyscalls,
    ...(cwd === undefined ? [] : [chdirTo(cwd)]),
    reportReady(statusFd),
    ...finalSyscalls,
    {
      name: 'execve',
      number: systemCalls.execve,
      arguments: [path, { words: [...argv, 0] }, { words: [...env, 0] }],
      attempt: `run ${path}`,
    },
  ];
}

/** Returns the system call that writes a byte to the status pipe. */
export function reportReady(statusFd = defaultStatusFd): SyscallRequest {
  return {
    name: 'write',
    number: hostMachine().linux.systemCalls.write,
    arguments: [statusFd, Uint8Array.of(0), 1],
    attempt: 'report readiness',
  };
}
