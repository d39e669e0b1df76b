/** What the threads of the supervisor tell each other. */
import type { MessagePort } from 'node:worker_threads';
import type { Change } from '../linux/children.js';
import type { AbiName } from './filter.js';
import type { Policy } from './policy.js';
import type { Tracer } from './tracing.js';

/** What both Workers are started with. */
export interface Setting {
  readonly policy: Policy;
  readonly abi: AbiName;
  /** Modules with further types of objects. */
  readonly types: readonly string[];
  /** Descriptors to write lines to; nothing to write none. */
  readonly traceTo: number | undefined;
  readonly auditTo: number | undefined;
}

/** The thread that answers calls. */
export interface AnswererData extends Setting {
  readonly listener: number;
  /** Rung for every message to this thread. */
  readonly bell: number;
  /** One word, shared: {@link isFirst}. */
  readonly first: Int32Array;
}

/**
 * Whether this thread comes first, of two that ask: the answerer before it answers anything, and the main thread
 * when the program has ended. A thread takes longer to start than many programs run, and is not waited for then.
 */
export function isFirst(word: Int32Array): boolean {
  return Atomics.exchange(word, 0, 1) === 0;
}

/** The thread that traces. */
export interface TracerData extends Setting {
  /** To and from the thread that answers. */
  readonly port: MessagePort;
  /** The answering thread's bell. */
  readonly bell: number;
}

export type FromMain = ({ readonly kind: 'tracer' } & Tracer) | { readonly kind: 'end' };

/** From the thread that answers to the main one. */
export type ToMain =
  /** The first slow object is wanted. */
  { readonly kind: 'want-tracer' } | { readonly kind: 'ended'; readonly stats: Stats };

/** From the tracer to the main thread: it sees every change of a child, since it waits for all. */
export type FromTracer =
  | { readonly kind: 'ready'; readonly tid: number; readonly wake: number }
  | { readonly kind: 'change'; readonly change: Change }
  /** A process that was stopped goes on. */
  | { readonly kind: 'continued'; readonly pid: number };

/** From the thread that answers to the tracer. */
export type ToTracer =
  | {
      readonly kind: 'object';
      readonly file: string;
      readonly type: number;
      readonly base: bigint;
      readonly stride: number;
      readonly count: number;
      readonly contexts: SharedArrayBuffer;
    }
  | { readonly kind: 'gone'; readonly file: string }
  | { readonly kind: 'attach'; readonly tid: number; readonly ticket: number };

/** From the tracer to the thread that answers. */
export type Attached = { readonly ticket: number; readonly refusal: string | undefined };

/** What `--stats` tells. */
export interface Stats {
  readonly calls: number;
  readonly refused: number;
  readonly objectsMade: number;
  readonly objectsAlive: number;
}
