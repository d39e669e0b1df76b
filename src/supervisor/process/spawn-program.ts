/** Starts the program: the launcher installs the filter, hands over its listener, and executes. */
import { readdirSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { TrampfdError } from '../../core/errors.js';
import {
  decodeFailure,
  encodeScript,
  execSyscalls,
  launcherPath,
  type PushSyscall,
  type SyscallRequest,
  scriptFd,
} from '../../launcher/launcher.js';
import { type RestrictionName, restrictionSyscalls } from '../../launcher/restrictions.js';
import { close, F_SETFD, FD_CLOEXEC, pipe } from '../../linux/fs/fds.js';
import { pidfdGetfd } from '../../linux/process/pidfd.js';
import { posixSpawn } from '../../linux/process/processes.js';
import { RLIMIT_FSIZE, RLIMIT_NOFILE, type Rlimit } from '../../linux/process/rlimits.js';
import { allSignals, SIG_IGN, SIGRTMAX, setSignalMask, sigmask } from '../../linux/process/signal.js';
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
  /** Folders to make noexec besides. */
  readonly noexec: readonly string[];
  readonly abi: AbiName;
  readonly inherited: InheritedState;
  /** `RLIMIT_FSIZE`. */
  readonly fileSizeLimit: Rlimit;
}

export interface Program {
  readonly pid: number;
  /** The filter's listener, in this process. */
  readonly listenerFd: number;
}

// <signal.h>
const SIG_SETMASK = 2;
const signalSetSize = 8;
const ignoredByNode = [constants.signals.SIGPIPE, constants.signals.SIGXFSZ];

const attempt = 'start the program';

/** @throws TrampfdError with what the launcher could not do */
export function spawnProgram(options: ProgramOptions): Program {
  try {
    return launchProgram(options);
  } catch (error) {
    const { code, syscall } = error as { code?: string; syscall?: string };
    if (code !== 'ENOEXEC' || syscall !== 'execve') throw error;
    // A script without a first line that says what runs it is run by the shell: execvp(3).
    const argv = ['/bin/sh', options.path, ...options.argv.slice(1)];
    return launchProgram({ ...options, path: '/bin/sh', argv });
  }
}

function launchProgram(options: ProgramOptions): Program {
  const { inherited } = options;
  const [scriptPipe, statusPipe, goPipe] = [pipe(attempt), pipe(attempt), pipe(attempt)];
  const parentFds = [
    scriptPipe.read,
    scriptPipe.write,
    statusPipe.read,
    statusPipe.write,
    goPipe.read,
    goPipe.write,
  ];
  try {
    const childFds = findUnusedFds();
    const inheritedFds = inherited.openFds.filter((fd) => fd !== scriptFd);
    const inheritsFd3 = inheritedFds.length < inherited.openFds.length;
    const syscalls = launchSyscalls(options, childFds, inheritsFd3);
    const script = encodeScript(syscalls, childFds.statusFd);
    // A signal that comes meanwhile waits until the program is all but there, and then ends it, not the launcher.
    const previousMask = setSignalMask(allSignals);
    const pid = posixSpawn(
      launcherPath(process.arch),
      [
        // The standard ones are open here in any case; the launcher closes those that were not.
        ...[...new Set([0, 1, 2, ...inheritedFds])].map((fd) => [fd, fd] as const),
        ...(inheritsFd3 ? [[childFds.savedFd3, scriptFd] as const] : []),
        [scriptFd, scriptPipe.read],
        [childFds.statusFd, statusPipe.write],
        [childFds.goFd, goPipe.read],
      ],
      attempt,
    );
    setSignalMask(previousMask);
    for (const fd of [scriptPipe.read, statusPipe.write, goPipe.read]) close(fd);
    parentFds.splice(0, parentFds.length, scriptPipe.write, statusPipe.read, goPipe.write);
    for (let written = 0; written < script.length; ) written += writeSync(scriptPipe.write, script, written);
    close(scriptPipe.write);
    parentFds.shift();

    const status = readChunk(statusPipe.read);
    if (status.length === 1) {
      const listenerFd = acquireListenerFd(pid);
      writeSync(goPipe.write, Uint8Array.of(0));
      const failure = decodeFailure(readToEnd(statusPipe.read), syscalls, 'a signal');
      if (failure === undefined) return { pid, listenerFd };
      close(listenerFd);
      throw failure;
    }
    throw decodeFailure(status, syscalls, 'a signal')!;
  } finally {
    for (const fd of parentFds) close(fd);
  }
}

/** Numbers that nobody has, so that nothing inherited is in the way: the lowest, since they are limited. */
function findUnusedFds(): { statusFd: number; goFd: number; savedFd3: number } {
  const usedFds = new Set([scriptFd, ...readdirSync('/proc/self/fd').map(Number)]);
  const candidates = Array.from({ length: usedFds.size + 3 }, (_, fd) => fd);
  const [statusFd, goFd, savedFd3] = candidates.filter((fd) => !usedFds.has(fd)) as [number, number, number];
  return { statusFd, goFd, savedFd3 };
}

function launchSyscalls(
  options: ProgramOptions,
  childFds: { statusFd: number; goFd: number; savedFd3: number },
  inheritsFd3: boolean,
): SyscallRequest[] {
  const machine = hostMachine();
  const { path, argv, env, restrictions, noexec, abi, inherited, fileSizeLimit } = options;
  const setupSyscalls: SyscallRequest[] = [];
  const pushSyscall: PushSyscall = (name, purpose, ...args) => {
    setupSyscalls.push({ name, number: machine.linux.systemCalls[name], arguments: args, attempt: purpose });
  };
  pushSyscall('fcntl', attempt, childFds.goFd, F_SETFD, FD_CLOEXEC);
  restoreIgnoredSignals(pushSyscall, inherited);
  const restoreLimit = (resourceName: string, resource: number, { soft, hard }: Rlimit) => {
    pushSyscall('prlimit64', `restore the limit of ${resourceName}`, 0, resource, { words: [soft, hard] }, 0);
  };
  if (inherited.openFilesLimit !== undefined)
    restoreLimit('open files', RLIMIT_NOFILE, inherited.openFilesLimit);
  restoreLimit('file sizes', RLIMIT_FSIZE, fileSizeLimit);
  setupSyscalls.push(...restrictionSyscalls(machine, restrictions, noexec));
  // Behind a remount the old folder would still be open, as it was.
  if (setupSyscalls.some(({ name }) => name === 'unshare'))
    pushSyscall('chdir', 'enter its folder', currentDirectory());
  const filterProgram = seccompFilter(machine, notifyRules(machine, abi));
  pushSyscall(
    'seccomp',
    'answer for the kernel (EBUSY: another supervisor, or an agent of a container, does so already)',
    SECCOMP_SET_MODE_FILTER,
    SECCOMP_FILTER_FLAG_NEW_LISTENER |
      SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV |
      SECCOMP_FILTER_FLAG_SPEC_ALLOW,
    { words: [filterProgram.length / 8, filterProgram] },
  );
  // The listener is taken between these two. It closes with `execve`.
  pushSyscall('write', 'report', childFds.statusFd, Uint8Array.of(0), 1);
  pushSyscall('read', 'wait for the supervisor', childFds.goFd, new Uint8Array(1), 1);
  if (inheritsFd3) {
    pushSyscall('dup3', 'pass descriptor 3 on', childFds.savedFd3, scriptFd, 0);
    pushSyscall('close', 'pass descriptor 3 on', childFds.savedFd3);
  }
  for (const fd of [0, 1, 2]) {
    if (!inherited.openFds.includes(fd)) pushSyscall('close', 'close a standard stream', fd);
  }
  const finalSyscalls = [restoreSignalMask(inherited)];
  return execSyscalls({ path, argv, env, cwd: undefined, setupSyscalls, finalSyscalls }, childFds.statusFd);
}

/** As bytes that end with 0, since not every folder's name is text. One that is gone has a name that leads nowhere. */
function currentDirectory(): Uint8Array {
  return Buffer.concat([readlinkSync('/proc/self/cwd', 'buffer'), Uint8Array.of(0)]);
}

function restoreIgnoredSignals(pushSyscall: PushSyscall, { ignoredSignals }: InheritedState): void {
  const isIgnored = (signal: number) => (ignoredSignals & sigmask(signal)) !== 0n;
  for (let signal = 1; signal <= SIGRTMAX; signal++) {
    if (!isIgnored(signal) && !ignoredByNode.includes(signal)) continue;
    // struct sigaction of the kernel: handler, flags, restorer, mask
    const action = { words: [isIgnored(signal) ? SIG_IGN : 0n, 0, 0, 0] };
    pushSyscall('rt_sigaction', 'restore what signals do', signal, action, 0, signalSetSize);
  }
}

function restoreSignalMask({ blockedSignals }: InheritedState): SyscallRequest {
  return {
    name: 'rt_sigprocmask',
    number: hostMachine().linux.systemCalls.rt_sigprocmask,
    arguments: [SIG_SETMASK, { words: [blockedSignals] }, 0, signalSetSize],
    attempt: 'restore which signals are blocked',
  };
}

/** Takes the listener from among the launcher's descriptors. */
function acquireListenerFd(pid: number): number {
  const fdDirectory = `/proc/${pid}/fd`;
  const isListener = (name: string) => readlinkSync(`${fdDirectory}/${name}`) === 'anon_inode:seccomp notify';
  const fd = readdirSync(fdDirectory).find(isListener);
  if (fd === undefined) throw new TrampfdError('Cannot find the listener', { code: 'ERR_LAUNCHER' });
  return pidfdGetfd(pid, Number(fd), 'take the listener from the launcher');
}

/** What one write has put into a pipe: a byte, or how a call failed. Nothing when nobody will write. */
function readChunk(fd: number): Uint8Array {
  const bytes = new Uint8Array(32);
  return bytes.subarray(0, readSync(fd, bytes));
}

function readToEnd(fd: number): Uint8Array {
  const bytes: number[] = [];
  for (let chunk = readChunk(fd); chunk.length > 0; chunk = readChunk(fd)) bytes.push(...chunk);
  return Uint8Array.from(bytes);
}
