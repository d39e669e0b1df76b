/** Waiting for children and traced threads. @see waitpid(2) */
import { errnoName } from '../../native/errno.js';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';

// <sys/wait.h>, <linux/wait.h>
export const WNOHANG = 1;
export const WUNTRACED = 2;
export const __WALL = 0x40000000;

/** A state change of a child or traced thread. */
export type WaitStatus =
  | { readonly kind: 'exited'; readonly pid: number; readonly exitStatus: number }
  | { readonly kind: 'killed'; readonly pid: number; readonly signal: number }
  /** `event` is a `PTRACE_EVENT`, or 0. */
  | { readonly kind: 'stopped'; readonly pid: number; readonly signal: number; readonly event: number };

const statusWord = new Int32Array(1);

/** Returns the next state change; `undefined` if there is none (`WNOHANG`), or no child. */
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
