/** System calls of the launcher before the program runs: they restore inherited state and install the filter. */
import { readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { execSyscalls } from '../../launcher/exec-syscalls.js';
import { type RestrictionName, restrictionSyscalls } from '../../launcher/restrictions.js';
import { type PushSyscall, type SyscallRequest, scriptFd } from '../../launcher/syscall-script.js';
import { SIG_SETMASK } from '../../linux/constants.js';
import { F_SETFD, FD_CLOEXEC } from '../../linux/fs/fds.js';
import { RLIMIT_FSIZE, RLIMIT_NOFILE, type Rlimit } from '../../linux/process/rlimits.js';
import { SIG_IGN, SIGRTMAX, sigmask } from '../../linux/process/signal.js';
import {
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_SET_MODE_FILTER,
  seccompFilter,
} from '../../linux/seccomp/seccomp.js';
import { hostMachine } from '../../native/host.js';
import { type AbiName, notifyRules } from '../syscalls/filter.js';
import type { InheritedState } from './inherited-state.js';

export interface ProgramOptions {
  readonly path: string;
  readonly argv: readonly (string | Uint8Array)[];
  readonly env: readonly (string | Uint8Array)[];
  readonly restrictions: readonly RestrictionName[];
  /** Additional directories to make noexec. */
  readonly noexec: readonly string[];
  readonly abi: AbiName;
  readonly inherited: InheritedState;
  /** `RLIMIT_FSIZE`. */
  readonly fileSizeLimit: Rlimit;
}

/** Fds of the launcher, besides the script's. */
export interface LauncherFds {
  /** Results and failures are written here. */
  readonly statusFd: number;
  /** A byte from here means that the supervisor has the notify fd. */
  readonly goFd: number;
  /** The program's fd 3, while the launcher reads its script from 3. */
  readonly savedFd3: number;
}

/** Bytes of the kernel's `sigset_t`. */
const signalSetSize = 8;
const ignoredByNode = [constants.signals.SIGPIPE, constants.signals.SIGXFSZ];

export function launchSyscalls(options: ProgramOptions, fds: LauncherFds): SyscallRequest[] {
  const machine = hostMachine();
  const { path, argv, env, restrictions, noexec, abi, inherited, fileSizeLimit } = options;
  const setupSyscalls: SyscallRequest[] = [];
  const pushSyscall: PushSyscall = (name, attempt, ...args) => {
    setupSyscalls.push({ name, number: machine.linux.systemCalls[name], arguments: args, attempt });
  };
  pushSyscall('fcntl', 'start the program', fds.goFd, F_SETFD, FD_CLOEXEC);
  restoreIgnoredSignals(pushSyscall, inherited);
  const restoreLimit = (resourceName: string, resource: number, { soft, hard }: Rlimit) => {
    pushSyscall('prlimit64', `restore the limit of ${resourceName}`, 0, resource, { words: [soft, hard] }, 0);
  };
  if (inherited.openFilesLimit !== undefined)
    restoreLimit('open files', RLIMIT_NOFILE, inherited.openFilesLimit);
  restoreLimit('file sizes', RLIMIT_FSIZE, fileSizeLimit);
  setupSyscalls.push(...restrictionSyscalls(machine, restrictions, noexec));
  // After a remount, the working directory would still refer to the former mount.
  if (setupSyscalls.some(({ name }) => name === 'unshare'))
    pushSyscall('chdir', 'enter the working directory', currentDirectory());
  const filterProgram = seccompFilter(machine, notifyRules(machine, abi));
  pushSyscall(
    'seccomp',
    'install the seccomp filter (EBUSY: another supervisor or a container agent already has a listener)',
    SECCOMP_SET_MODE_FILTER,
    SECCOMP_FILTER_FLAG_NEW_LISTENER |
      SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV |
      SECCOMP_FILTER_FLAG_SPEC_ALLOW,
    { words: [filterProgram.length / 8, filterProgram] },
  );
  // The supervisor copies the notify fd between these two calls. `execve` closes the launcher's own.
  pushSyscall('write', 'report readiness', fds.statusFd, Uint8Array.of(0), 1);
  pushSyscall('read', 'wait for the supervisor', fds.goFd, new Uint8Array(1), 1);
  if (inherited.openFds.includes(scriptFd)) {
    pushSyscall('dup3', 'restore fd 3', fds.savedFd3, scriptFd, 0);
    pushSyscall('close', 'restore fd 3', fds.savedFd3);
  }
  for (const fd of [0, 1, 2]) {
    if (!inherited.openFds.includes(fd)) pushSyscall('close', 'close a standard stream', fd);
  }
  const finalSyscalls = [restoreSignalMask(inherited)];
  return execSyscalls({ path, argv, env, cwd: undefined, setupSyscalls, finalSyscalls }, fds.statusFd);
}

/** Returns the path as NUL-terminated bytes, since not every name is text. That of a removed directory is invalid. */
function currentDirectory(): Uint8Array {
  return Buffer.concat([readlinkSync('/proc/self/cwd', 'buffer'), Uint8Array.of(0)]);
}

function restoreIgnoredSignals(pushSyscall: PushSyscall, { ignoredSignals }: InheritedState): void {
  const isIgnored = (signal: number) => (ignoredSignals & sigmask(signal)) !== 0n;
  for (let signal = 1; signal <= SIGRTMAX; signal++) {
    if (!isIgnored(signal) && !ignoredByNode.includes(signal)) continue;
    // The kernel's struct sigaction: handler, flags, restorer, mask.
    const action = { words: [isIgnored(signal) ? SIG_IGN : 0n, 0, 0, 0] };
    pushSyscall('rt_sigaction', 'restore signal actions', signal, action, 0, signalSetSize);
  }
}

function restoreSignalMask({ blockedSignals }: InheritedState): SyscallRequest {
  return {
    name: 'rt_sigprocmask',
    number: hostMachine().linux.systemCalls.rt_sigprocmask,
    arguments: [SIG_SETMASK, { words: [blockedSignals] }, 0, signalSetSize],
    attempt: 'restore the signal mask',
  };
}
