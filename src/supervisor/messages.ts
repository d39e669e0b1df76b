/** Messages between the threads of the supervisor, and the data that each Worker starts with. */
import type { MessagePort } from 'node:worker_threads';
import type { WaitStatus } from '../linux/process/wait.js';
import type { Policy } from './policy/policy.js';
import type { AbiName } from './syscalls/filter.js';

/** Configuration of both Workers. */
export interface ThreadConfig {
  readonly policy: Policy;
  readonly abi: AbiName;
  /** Modules with additional object types. */
  readonly typeModules: readonly string[];
  /** The fds that lines are written to; `undefined` writes none. */
  readonly traceFd: number | undefined;
  readonly auditFd: number | undefined;
}

export interface SyscallThreadData extends ThreadConfig {
  readonly listenerFd: number;
  /** An eventfd, signalled after each message to this thread. */
  readonly wakeFd: number;
  /** One shared word for {@link claimFirst}. */
  readonly claimWord: Int32Array;
}

/**
 * Returns whether this thread is the first of two callers: the syscall thread before it handles anything, and the main
 * thread when the program has ended. A thread takes longer to start than many programs run, and the main thread does
 * not wait for it then.
 */
export function claimFirst(claimWord: Int32Array): boolean {
  return Atomics.exchange(claimWord, 0, 1) === 0;
}

export interface TracerData extends ThreadConfig {
  /** To and from the syscall thread. */
  readonly port: MessagePort;
  /** The syscall thread's eventfd. */
  readonly wakeFd: number;
}

/** How the syscall thread reaches the tracer. */
export interface TracerHandle {
  readonly port: MessagePort;
  /** The tracer's thread ID. */
  readonly tid: number;
  /** A child of the tracer: stopping it wakes the tracer. */
  readonly wakePid: number;
}

export type MainToSyscall = ({ readonly kind: 'tracer' } & TracerHandle) | { readonly kind: 'shutdown' };

export type SyscallToMain =
  /** The program creates its first slow object. */
  { readonly kind: 'tracer-requested' } | { readonly kind: 'finished'; readonly stats: Stats };

/** The tracer receives every wait status of the process, since it waits for all children. */
export type TracerToMain =
  | { readonly kind: 'ready'; readonly tid: number; readonly wakePid: number }
  | { readonly kind: 'wait-status'; readonly waitStatus: WaitStatus }
  /** A stopped process was continued. */
  | { readonly kind: 'continued'; readonly pid: number };

export type SyscallToTracer =
  | {
      readonly kind: 'object';
      readonly fileKey: string;
      readonly type: number;
      readonly base: bigint;
      readonly stride: number;
      readonly count: number;
      readonly contextMemory: SharedArrayBuffer;
    }
  | { readonly kind: 'removed'; readonly fileKey: string }
  | { readonly kind: 'attach'; readonly tid: number; readonly requestId: number };

/** From the tracer to the syscall thread. */
export type AttachResult = { readonly requestId: number; readonly failure: string | undefined };

/** Printed by `--stats`. */
export interface Stats {
  readonly calls: number;
  readonly refused: number;
  readonly objectsCreated: number;
  readonly objectsAlive: number;
}
