/** Processes that this one starts without Node, and how they end. @see posix_spawn(3), waitpid(2) */
import { errnoName, systemError } from '../../native/errno.js';
import { hostMachine } from '../../native/host.js';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../mm/memory.js';
import { SIG_DFL, sigaction } from './signal.js';

// <sys/wait.h>, <linux/wait.h>
export const WNOHANG = 1;
export const WUNTRACED = 2;
export const __WALL = 0x40000000;

/** What became of a process. */
export type WaitStatus =
  | { readonly kind: 'exited'; readonly pid: number; readonly exitStatus: number }
  | { readonly kind: 'killed'; readonly pid: number; readonly signal: number }
  /** `event` is what a tracer is told beside the signal. */
  | { readonly kind: 'stopped'; readonly pid: number; readonly signal: number; readonly event: number };

const statusWord = new Int32Array(1);

/** The next change of a child; nothing when there is none (`WNOHANG`) or no child. */
export function waitpid(flags: number, target = -1): WaitStatus | undefined {
  const pid = libc().waitpid(target, addressOfBytes(statusWord), flags);
  if (pid > 0) return decodeStatus(pid, statusWord[0]!);
  if (pid < 0 && errnoName(errno()) === 'EINTR') return waitpid(flags, target);
  return undefined;
}

function decodeStatus(pid: number, status: number): WaitStatus {
  if ((status & 0xff) === 0x7f) {
    return { kind: 'stopped', pid, signal: (status >> 8) & 0xff, event: (status >> 16) & 0xff };
  }
  const signal = status & 0x7f;
  return signal === 0
    ? { kind: 'exited', pid, exitStatus: (status >> 8) & 0xff }
    : { kind: 'killed', pid, signal };
}

/** `posix_spawn_file_actions_t` has 80 bytes with glibc and with musl. Kept here: what C points to must not be collected. */
const fileActions = new Uint8Array(256);
const spawnedPid = new Int32Array(1);

/**
 * Starts a program. It has the descriptors of this process that are not close-on-exec, and `descriptors`: its
 * number, and the one here. Signals are as they are here; an empty environment.
 */
export function posixSpawn(
  path: string,
  fds: readonly (readonly [theirs: number, ours: number])[],
  attempt: string,
): number {
  const { posix_spawn, posix_spawn_file_actions_init, ...spawnFunctions } = libc();
  const actions = addressOfBytes(fileActions);
  posix_spawn_file_actions_init(actions);
  try {
    for (const [childFd, parentFd] of fds)
      spawnFunctions.posix_spawn_file_actions_adddup2(actions, parentFd, childFd);
    const error = posix_spawn(addressOfBytes(spawnedPid), path, actions, 0n, [path, null], [null]);
    if (error !== 0) throw systemError(attempt, { syscall: 'posix_spawn', errno: error });
    return spawnedPid[0]!;
  } finally {
    spawnFunctions.posix_spawn_file_actions_destroy(actions);
  }
}

/** `int kill(pid_t pid, int sig)`. @returns whether it was sent. @see kill(2) */
export function kill(pid: number, signal: number): boolean {
  return libc().kill(pid, signal) === 0;
}

/** `SI_QUEUE`: it carries a value. <asm-generic/siginfo.h> */
const SI_QUEUE = -1;

/** Sends a signal like one that came here: with its value, and from whom it came, if the kernel lets us. */
export function forwardSignal(pid: number, signal: number, siginfo: Uint8Array): void {
  const code = new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(8, true);
  if (code !== SI_QUEUE) {
    kill(pid, signal);
    return;
  }
  const { rt_sigqueueinfo } = hostMachine().linux.systemCalls;
  const siginfoArgument = ['long', addressOfBytes(siginfo)] as const;
  libc().syscall(rt_sigqueueinfo, 'long', BigInt(pid), 'long', BigInt(signal), ...siginfoArgument);
}

// <linux/prctl.h>
const PR_SET_DUMPABLE = 4;
const PR_SET_CHILD_SUBREAPER = 36;

/** Whether processes of the same user may look into this one, and debug it. @see PR_SET_DUMPABLE(2const) */
export function setDumpable(dumpable: boolean): void {
  libc().prctl(PR_SET_DUMPABLE, dumpable ? 1 : 0, 0, 0, 0);
}

/** Orphans among the descendants become children of this process. @see PR_SET_CHILD_SUBREAPER(2const) */
export function setChildSubreaper(): void {
  libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/** `void _exit(int status)`: ends the process now, whatever its threads wait for. @see _exit(2) */
export function _exit(status: number): void {
  libc()._exit(status);
}

/** `pid_t gettid(void)`: the number of this thread. @see gettid(2) */
export function gettid(): number {
  return libc().gettid();
}

/** Ends the process by a signal, whatever handles it here. */
export function raiseDefault(signal: number): void {
  sigaction(signal, { handler: SIG_DFL, mask: 0n, flags: 0, restorer: 0n });
  kill(process.pid, signal);
}
