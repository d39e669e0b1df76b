/** State of processes and threads. @see proc_pid_status(5) */
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Reads `/proc/PID/status`. @returns a function that returns the value of a field, whose name is a regular expression;
 * `undefined` if the process or thread does not exist
 */
export function readStatus(pid: number | 'self'): ((field: string) => string | undefined) | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return undefined;
  }
  return (field) => new RegExp(`^${field}:[ \\t]*(.*)$`, 'm').exec(text)?.[1];
}

export interface ThreadStatus {
  /** The process of the thread. */
  readonly pid: number;
  /** The thread that traces it; 0 for none. */
  readonly tracerPid: number;
  /** Whether it has exited and was not yet waited for. */
  readonly isZombie: boolean;
}

/** Returns the state of a thread; `undefined` if it does not exist. */
export function threadStatus(tid: number): ThreadStatus | undefined {
  const status = readStatus(tid);
  if (status === undefined) return undefined;
  return {
    pid: Number(status('Tgid')),
    tracerPid: Number(status('TracerPid')),
    isZombie: /^[ZX]/.test(status('State') ?? ''),
  };
}

/** Returns the pending signals of a process, a bit each; none if it does not exist. */
export function pendingSignals(pid: number): bigint {
  return BigInt(`0x${readStatus(pid)?.('ShdPnd') ?? 0}`);
}

/** Whether a process is stopped by a signal or by its tracer. */
export function isStopped(pid: number): boolean {
  return /^[Tt]/.test(readStatus(pid)?.('State') ?? '');
}

/** Returns the tids of a process; none if it does not exist. */
export function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}
