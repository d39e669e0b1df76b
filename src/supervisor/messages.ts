/** What the threads of the supervisor tell each other. */
import type { MessagePort } from 'node:worker_threads';
import type { WaitStatus } from '../linux/process/wait.js';
import type { Policy } from './policy/policy.js';
import type { AbiName } from './syscalls/filter.js';
import type { TracerHandle } from './syscalls/tracer-client.js';

/** What both Workers are started with. */
export interface ThreadConfig {
  readonly policy: Policy;
  readonly abi: AbiName;
  /** Modules with further types of objects. */
  readonly typeModules: readonly string[];
  /** Descriptors to write lines to; nothing to write none. */
  readonly traceFd: number | undefined;
  readonly auditFd: number | undefined;
}

/** The thread that answers calls. */
export interface SyscallThreadData extends ThreadConfig {
  readonly listenerFd: number;
  /** Rung for every message to this thread. */
  readonly wakeFd: number;
  /** One word, shared: {@link claimFirst}. */
  readonly claimWord: Int32Array;
}

/**
 * Whether this thread comes first, of two that ask: the answerer before it answers anything, and the main thread
 * when the program has ended. A thread takes longer to start than many programs run, and is not waited for then.
 */
export function claimFirst(claimWord: Int32Array): boolean {
  return Atomics.exchange(claimWord, 0, 1) === 0;
}

/** The thread that traces. */
export interface TracerData extends ThreadConfig {
  /** To and from the thread that answers. */
  readonly port: MessagePort;
  /** The answering thread's bell. */
  readonly wakeFd: number;
}

export type MainToSyscall = ({ readonly kind: 'tracer' } & TracerHandle) | { readonly kind: 'end' };

/** From the thread that answers to the main one. */
export type SyscallToMain =
  /** The first slow object is wanted. */
  { readonly kind: 'want-tracer' } | { readonly kind: 'ended'; readonly stats: Stats };

/** From the tracer to the main thread: it sees every change of a child, since it waits for all. */
export type TracerToMain =
  | { readonly kind: 'ready'; readonly tid: number; readonly wakePid: number }
  | { readonly kind: 'change'; readonly waitStatus: WaitStatus }
  /** A process that was stopped goes on. */
  | { readonly kind: 'continued'; readonly pid: number };

/** From the thread that answers to the tracer. */
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
  | { readonly kind: 'gone'; readonly fileKey: string }
  | { readonly kind: 'attach'; readonly tid: number; readonly requestId: number };

/** From the tracer to the thread that answers. */
export type AttachResult = { readonly requestId: number; readonly failure: string | undefined };

/** What `--stats` tells. */
export interface Stats {
  readonly calls: number;
  readonly refused: number;
  readonly objectsCreated: number;
  readonly objectsAlive: number;
}
