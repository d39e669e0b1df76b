/** Starts the program: the launcher installs the filter, hands over its listener, and executes. */
import { readdirSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { spawnProcess } from '../linux/children.js';
import { close, F_SETFD, FD_CLOEXEC, pipe } from '../linux/descriptors.js';
import { thisMachine } from '../linux/host.js';
import {
  type AddCall,
  encodeCalls,
  failureIn,
  type LaunchCall,
  launcherPath,
  listDescriptor,
  programCalls,
} from '../linux/launch.js';
import { type Limit, RLIMIT_FSIZE, RLIMIT_NOFILE } from '../linux/limits.js';
import { takeDescriptor } from '../linux/pidfd.js';
import { type RestrictionName, restrictionCalls } from '../linux/restrictions.js';
import {
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_SET_MODE_FILTER,
  seccompFilter,
} from '../linux/seccomp.js';
import { allSignals, lastSignal, SIG_IGN, setBlocked, signalBit } from '../linux/signal.js';
import { TrampfdError } from '../trampoline/errors.js';
import { type AbiName, notices } from './filter.js';
import type { Inherited } from './inherited.js';

export interface ProgramOptions {
  readonly path: string;
  readonly argv: readonly (string | Uint8Array)[];
  readonly env: readonly (string | Uint8Array)[];
  readonly restrictions: readonly RestrictionName[];
  /** Folders to make noexec besides. */
  readonly noexec: readonly string[];
  readonly abi: AbiName;
  readonly inherited: Inherited;
  /** `RLIMIT_FSIZE`. */
  readonly fileSize: Limit;
}

export interface Program {
  readonly pid: number;
  /** The filter's listener, in this process. */
  readonly listener: number;
}

// <signal.h>
const SIG_SETMASK = 2;
const signalSetSize = 8;
const ignoredByNode = [constants.signals.SIGPIPE, constants.signals.SIGXFSZ];

const attempt = 'start the program';

/** @throws TrampfdError with what the launcher could not do */
export function startProgram(options: ProgramOptions): Program {
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
  const [list, report, go] = [pipe(attempt), pipe(attempt), pipe(attempt)];
  const ours = [list.read, list.write, report.read, report.write, go.read, go.write];
  try {
    const theirs = freeDescriptors();
    const passed = inherited.descriptors.filter((fd) => fd !== listDescriptor);
    const hasThird = passed.length < inherited.descriptors.length;
    const calls = launchCalls(options, theirs, hasThird);
    const bytes = encodeCalls(calls, theirs.report);
    // A signal that comes meanwhile waits until the program is all but there, and then ends it, not the launcher.
    const blocked = setBlocked(allSignals);
    const pid = spawnProcess(
      launcherPath(process.arch),
      [
        // The standard ones are open here in any case; the launcher closes those that were not.
        ...[...new Set([0, 1, 2, ...passed])].map((fd) => [fd, fd] as const),
        ...(hasThird ? [[theirs.third, listDescriptor] as const] : []),
        [listDescriptor, list.read],
        [theirs.report, report.write],
        [theirs.go, go.read],
      ],
      attempt,
    );
    setBlocked(blocked);
    for (const fd of [list.read, report.write, go.read]) close(fd);
    ours.splice(0, ours.length, list.write, report.read, go.write);
    for (let done = 0; done < bytes.length; ) done += writeSync(list.write, bytes, done);
    close(list.write);
    ours.shift();

    const first = readOnce(report.read);
    if (first.length === 1) {
      const listener = takeListener(pid);
      writeSync(go.write, Uint8Array.of(0));
      const failure = failureIn(readToEnd(report.read), calls, 'a signal');
      if (failure === undefined) return { pid, listener };
      close(listener);
      throw failure;
    }
    throw failureIn(first, calls, 'a signal')!;
  } finally {
    for (const fd of ours) close(fd);
  }
}

/** Numbers that nobody has, so that nothing inherited is in the way: the lowest, since they are limited. */
function freeDescriptors(): { report: number; go: number; third: number } {
  const taken = new Set([listDescriptor, ...readdirSync('/proc/self/fd').map(Number)]);
  const numbers = Array.from({ length: taken.size + 3 }, (_, fd) => fd);
  const [report, go, third] = numbers.filter((fd) => !taken.has(fd)) as [number, number, number];
  return { report, go, third };
}

function launchCalls(
  options: ProgramOptions,
  theirs: { report: number; go: number; third: number },
  hasThird: boolean,
): LaunchCall[] {
  const machine = thisMachine();
  const { path, argv, env, restrictions, noexec, abi, inherited, fileSize } = options;
  const before: LaunchCall[] = [];
  const call: AddCall = (name, text, ...given) => {
    before.push({ name, number: machine.systemCalls[name], arguments: given, attempt: text });
  };
  call('fcntl', attempt, theirs.go, F_SETFD, FD_CLOEXEC);
  restoreIgnored(call, inherited);
  const limit = (what: string, number: number, { soft, hard }: Limit) => {
    call('prlimit64', `restore the limit of ${what}`, 0, number, { words: [soft, hard] }, 0);
  };
  if (inherited.openFiles !== undefined) limit('open files', RLIMIT_NOFILE, inherited.openFiles);
  limit('file sizes', RLIMIT_FSIZE, fileSize);
  before.push(...restrictionCalls(machine, restrictions, noexec));
  // Behind a remount the old folder would still be open, as it was.
  if (before.some(({ name }) => name === 'unshare')) call('chdir', 'enter its folder', currentFolder());
  const program = seccompFilter(machine, notices(machine, abi));
  call(
    'seccomp',
    'answer for the kernel (EBUSY: another supervisor, or an agent of a container, does so already)',
    SECCOMP_SET_MODE_FILTER,
    SECCOMP_FILTER_FLAG_NEW_LISTENER |
      SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV |
      SECCOMP_FILTER_FLAG_SPEC_ALLOW,
    { words: [program.length / 8, program] },
  );
  // The listener is taken between these two. It closes with `execve`.
  call('write', 'report', theirs.report, Uint8Array.of(0), 1);
  call('read', 'wait for the supervisor', theirs.go, new Uint8Array(1), 1);
  if (hasThird) {
    call('dup3', 'pass descriptor 3 on', theirs.third, listDescriptor, 0);
    call('close', 'pass descriptor 3 on', theirs.third);
  }
  for (const fd of [0, 1, 2]) {
    if (!inherited.descriptors.includes(fd)) call('close', 'close a standard stream', fd);
  }
  const last = [restoreBlocked(inherited)];
  return programCalls({ path, argv, env, cwd: undefined, before, last }, theirs.report);
}

/** As bytes that end with 0, since not every folder's name is text. One that is gone has a name that leads nowhere. */
function currentFolder(): Uint8Array {
  return Buffer.concat([readlinkSync('/proc/self/cwd', 'buffer'), Uint8Array.of(0)]);
}

function restoreIgnored(call: AddCall, { ignored }: Inherited): void {
  const isIgnored = (signal: number) => (ignored & signalBit(signal)) !== 0n;
  for (let signal = 1; signal <= lastSignal; signal++) {
    if (!isIgnored(signal) && !ignoredByNode.includes(signal)) continue;
    // struct sigaction of the kernel: handler, flags, restorer, mask
    const action = { words: [isIgnored(signal) ? SIG_IGN : 0n, 0, 0, 0] };
    call('rt_sigaction', 'restore what signals do', signal, action, 0, signalSetSize);
  }
}

function restoreBlocked({ blocked }: Inherited): LaunchCall {
  return {
    name: 'rt_sigprocmask',
    number: thisMachine().systemCalls.rt_sigprocmask,
    arguments: [SIG_SETMASK, { words: [blocked] }, 0, signalSetSize],
    attempt: 'restore which signals are blocked',
  };
}

/** Takes the listener from among the launcher's descriptors. */
function takeListener(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  const isListener = (name: string) => readlinkSync(`${folder}/${name}`) === 'anon_inode:seccomp notify';
  const fd = readdirSync(folder).find(isListener);
  if (fd === undefined) throw new TrampfdError('Cannot find the listener', { code: 'ERR_LAUNCHER' });
  return takeDescriptor(pid, Number(fd), 'take the listener from the launcher');
}

/** What one write has put into a pipe: a byte, or how a call failed. Nothing when nobody will write. */
function readOnce(fd: number): Uint8Array {
  const bytes = new Uint8Array(32);
  return bytes.subarray(0, readSync(fd, bytes));
}

function readToEnd(fd: number): Uint8Array {
  const all: number[] = [];
  for (let more = readOnce(fd); more.length > 0; more = readOnce(fd)) all.push(...more);
  return Uint8Array.from(all);
}
