/** Starts the program: the launcher installs the filter, hands over its listener, and executes. */
import { readdirSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { spawnProcess } from '../linux/children.js';
import { close, pipe } from '../linux/descriptors.js';
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
import { RLIMIT_NOFILE } from '../linux/limits.js';
import { takeDescriptor } from '../linux/pidfd.js';
import { type RestrictionName, restrictionCalls } from '../linux/restrictions.js';
import {
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_SET_MODE_FILTER,
  seccompFilter,
} from '../linux/seccomp.js';
import { SIG_IGN } from '../linux/signal.js';
import { type AbiName, notices } from './filter.js';
import type { Inherited } from './inherited.js';

export interface ProgramOptions {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly restrictions: readonly RestrictionName[];
  /** Folders to make noexec besides. */
  readonly noexec: readonly string[];
  readonly abi: AbiName;
  readonly inherited: Inherited;
}

export interface Program {
  readonly pid: number;
  /** The filter's listener, in this process. */
  readonly listener: number;
}

// <signal.h>, <fcntl.h>
const SIG_SETMASK = 2;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const signalSetSize = 8;
/** What Node ignores: SIGPIPE and SIGXFSZ. */
const ignoredByNode = [13, 25];
const lastSignal = 64;

const attempt = 'start the program';

/** @throws TrampfdError with what the launcher could not do */
export function startProgram(options: ProgramOptions): Program {
  const { inherited } = options;
  const [list, report, go] = [pipe(attempt), pipe(attempt), pipe(attempt)];
  const ours = [list.read, list.write, report.read, report.write, go.read, go.write];
  try {
    // Numbers that nobody has, so that nothing inherited is in the way.
    const free = 1 + Math.max(...readdirSync('/proc/self/fd').map(Number), listDescriptor);
    const theirs = { report: free, go: free + 1, third: free + 2 };
    const passed = inherited.descriptors.filter((fd) => fd !== listDescriptor);
    const hasThird = passed.length < inherited.descriptors.length;
    const calls = launchCalls(options, theirs, hasThird);
    const bytes = encodeCalls(calls, theirs.report);
    const pid = spawnProcess(
      launcherPath(process.arch),
      [
        ...passed.map((fd) => [fd, fd] as const),
        ...(hasThird ? [[theirs.third, listDescriptor] as const] : []),
        [listDescriptor, list.read],
        [theirs.report, report.write],
        [theirs.go, go.read],
      ],
      attempt,
    );
    for (const fd of [list.read, report.write, go.read]) close(fd);
    ours.splice(0, ours.length, list.write, report.read, go.write);
    for (let done = 0; done < bytes.length; ) done += writeSync(list.write, bytes, done);
    close(list.write);
    ours.shift();

    // A byte says that the listener is there; 16 say what failed before.
    const first = readUpTo(report.read, 1);
    const listener = first.length === 0 ? undefined : takeListener(pid);
    if (listener === undefined) throw failureIn(readUpTo(report.read, 15, first), calls, 'a signal');
    writeSync(go.write, Uint8Array.of(0));
    const failure = failureIn(readUpTo(report.read, 17), calls, 'a signal');
    if (failure === undefined) return { pid, listener };
    close(listener);
    throw failure;
  } finally {
    for (const fd of ours) close(fd);
  }
}

function launchCalls(
  options: ProgramOptions,
  theirs: { report: number; go: number; third: number },
  hasThird: boolean,
): LaunchCall[] {
  const machine = thisMachine();
  const { path, args, env, cwd, restrictions, noexec, abi, inherited } = options;
  const before: LaunchCall[] = [];
  const call: AddCall = (name, text, ...given) => {
    before.push({ name, number: machine.systemCalls[name], arguments: given, attempt: text });
  };
  call('fcntl', attempt, theirs.go, F_SETFD, FD_CLOEXEC);
  restoreSignals(call, inherited);
  if (inherited.openFiles !== undefined) {
    const { soft, hard } = inherited.openFiles;
    call('prlimit64', 'restore the limit of open files', 0, RLIMIT_NOFILE, { words: [soft, hard] }, 0);
  }
  before.push(...restrictionCalls(machine, restrictions, noexec));
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
  return programCalls(path, args, { cwd, env, before }, theirs.report);
}

function restoreSignals(call: AddCall, { ignored, blocked }: Inherited): void {
  const isIgnored = (signal: number) => ((ignored >> BigInt(signal - 1)) & 1n) === 1n;
  for (let signal = 1; signal <= lastSignal; signal++) {
    if (!isIgnored(signal) && !ignoredByNode.includes(signal)) continue;
    // struct sigaction of the kernel: handler, flags, restorer, mask
    const action = { words: [isIgnored(signal) ? SIG_IGN : 0n, 0, 0, 0] };
    call('rt_sigaction', 'restore what signals do', signal, action, 0, signalSetSize);
  }
  const mask = { words: [blocked] };
  call('rt_sigprocmask', 'restore which signals are blocked', SIG_SETMASK, mask, 0, signalSetSize);
}

/** Takes the listener from among the launcher's descriptors, if it is there. */
function takeListener(pid: number): number | undefined {
  const folder = `/proc/${pid}/fd`;
  const isListener = (name: string) => readlinkSync(`${folder}/${name}`) === 'anon_inode:seccomp notify';
  let fd: string | undefined;
  try {
    fd = readdirSync(folder).find(isListener);
  } catch {
    return undefined; // the launcher is gone
  }
  return fd === undefined
    ? undefined
    : takeDescriptor(pid, Number(fd), 'take the listener from the launcher');
}

/** Reads until there are so many bytes more, or no more. @returns what was there before, and those */
function readUpTo(fd: number, length: number, before: Uint8Array = new Uint8Array()): Uint8Array {
  const bytes = new Uint8Array(before.length + length);
  bytes.set(before);
  let have = before.length;
  while (have < bytes.length) {
    const more = readSync(fd, bytes, have, bytes.length - have, null);
    if (more === 0) break;
    have += more;
  }
  return bytes.subarray(0, have);
}
