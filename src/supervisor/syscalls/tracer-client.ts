/** What the thread that answers calls knows of the one that traces: how to reach it, and who waits for it. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { kill } from '../../linux/process/kill.js';
import { threadStatus } from '../../linux/process/proc-status.js';
import { SIGSTOP } from '../../linux/process/signal.js';
import type { AttachResult, SyscallToTracer } from '../messages.js';
import type { Syscall } from './syscall.js';

/** Messages that the tracer may leave unread, each with the memory that it carries. */
const maxUnread = 64;

export interface TracerHandle {
  readonly port: MessagePort;
  /** The thread's number. */
  readonly tid: number;
  /** A process that wakes the thread when it is stopped. */
  readonly wakePid: number;
}

export class TracerClient {
  readonly #requestTracer: () => void;
  #tracer: TracerHandle | undefined;
  #requested = false;
  readonly #unsent: SyscallToTracer[] = [];
  /** Calls that wait until the tracer has attached to their process, by a number of ours. */
  readonly #pending = new Map<number, Syscall>();
  #nextRequestId = 1;
  #unread = 0;

  /** @param requestTracer asks for a tracer, once */
  constructor(requestTracer: () => void) {
    this.#requestTracer = requestTracer;
  }

  /** Whether the caller's faults are seen. If not, the tracer is asked to attach, and the call has to wait. */
  ensureTraced(syscall: Syscall): boolean {
    if (this.#tracer !== undefined && threadStatus(syscall.tid)?.tracerPid === this.#tracer.tid) return true;
    if (!this.#requested) this.#requestTracer();
    this.#requested = true;
    const requestId = this.#nextRequestId++;
    this.#pending.set(requestId, syscall);
    this.send({ kind: 'attach', tid: syscall.tid, requestId }, { now: true });
    return false;
  }

  /** Sends a message, which the tracer looks for when it needs it, or now. */
  send(message: SyscallToTracer, { now = false } = {}): void {
    if (this.#tracer === undefined) {
      this.#unsent.push(message);
    } else {
      this.#tracer.port.postMessage(message);
      this.#unread++;
      if (!now && this.#unread < maxUnread) return;
      this.#unread = 0;
      kill(this.#tracer.wakePid, SIGSTOP);
    }
  }

  /** There is a tracer now. */
  connect(tracer: TracerHandle): void {
    this.#tracer = tracer;
    for (const message of this.#unsent.splice(0)) this.send(message, { now: true });
  }

  /** Calls whose wait is over, each with why it cannot be traced, if it cannot. */
  *takeAttached(): Generator<{ readonly syscall: Syscall; readonly failure: string | undefined }> {
    if (this.#tracer === undefined) return;
    for (;;) {
      const received = receiveMessageOnPort(this.#tracer.port) as { message: AttachResult } | undefined;
      if (received === undefined) return;
      const { requestId, failure } = received.message;
      const syscall = this.#pending.get(requestId);
      this.#pending.delete(requestId);
      if (syscall !== undefined) yield { syscall, failure };
    }
  }
}
