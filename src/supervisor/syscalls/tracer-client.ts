/** The syscall thread's client for the tracer: sends it messages and tracks system calls that wait for an attach. */
import { receiveMessageOnPort } from 'node:worker_threads';
import { kill } from '../../linux/process/kill.js';
import { threadStatus } from '../../linux/process/proc-status.js';
import { SIGSTOP } from '../../linux/process/signal.js';
import type { AttachResult, SyscallToTracer, TracerHandle } from '../messages.js';
import type { Syscall } from './syscall.js';

/** Unread messages, each of which retains memory, before the tracer is woken to read them. */
const maxUnread = 64;

export class TracerClient {
  readonly #requestTracer: () => void;
  #tracer: TracerHandle | undefined;
  #requested = false;
  readonly #unsent: SyscallToTracer[] = [];
  /** Calls that wait until the tracer has attached to their process, by request ID. */
  readonly #pending = new Map<number, Syscall>();
  #nextRequestId = 1;
  #unread = 0;

  /** @param requestTracer makes the main thread start the tracer; called once */
  constructor(requestTracer: () => void) {
    this.#requestTracer = requestTracer;
  }

  /** Returns whether the caller is traced. If not, requests an attach; the call must be deferred until then. */
  ensureTraced(syscall: Syscall): boolean {
    if (this.#tracer !== undefined && threadStatus(syscall.tid)?.tracerPid === this.#tracer.tid) return true;
    if (!this.#requested) this.#requestTracer();
    this.#requested = true;
    const requestId = this.#nextRequestId++;
    this.#pending.set(requestId, syscall);
    this.send({ kind: 'attach', tid: syscall.tid, requestId }, { now: true });
    return false;
  }

  /** Sends a message. The tracer reads it when it next needs to, or immediately if `now` is true. */
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

  /** Sends the messages that were queued until the tracer was ready. */
  connect(tracer: TracerHandle): void {
    this.#tracer = tracer;
    for (const message of this.#unsent.splice(0)) this.send(message, { now: true });
  }

  /** Yields the calls whose attach has finished, with the reason if it failed. */
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
