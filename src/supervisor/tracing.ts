/** What the thread that answers calls knows of the one that traces: how to reach it, and who waits for it. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { kill } from '../linux/children.js';
import { threadStatus } from '../linux/proc.js';
import { SIGSTOP } from '../linux/signal.js';
import type { Call } from './call.js';
import type { Attached, ToTracer } from './messages.js';

/** Messages that the tracer may leave unread, each with the memory that it carries. */
const mostUnread = 64;

export interface Tracer {
  readonly port: MessagePort;
  /** The thread's number. */
  readonly tid: number;
  /** A process that wakes the thread when it is stopped. */
  readonly wake: number;
}

export class Tracing {
  readonly #want: () => void;
  #tracer: Tracer | undefined;
  #wanted = false;
  readonly #unsent: ToTracer[] = [];
  /** Calls that wait until the tracer has attached to their process, by a number of ours. */
  readonly #waiting = new Map<number, Call>();
  #nextTicket = 1;
  #unread = 0;

  /** @param want asks for a tracer, once */
  constructor(want: () => void) {
    this.#want = want;
  }

  /** Whether the caller's faults are seen. If not, the tracer is asked to attach, and the call has to wait. */
  isTraced(call: Call): boolean {
    if (this.#tracer !== undefined && threadStatus(call.tid)?.tracer === this.#tracer.tid) return true;
    if (!this.#wanted) this.#want();
    this.#wanted = true;
    const ticket = this.#nextTicket++;
    this.#waiting.set(ticket, call);
    this.tell({ kind: 'attach', tid: call.tid, ticket }, { now: true });
    return false;
  }

  /** Sends a message, which the tracer looks for when it needs it, or now. */
  tell(message: ToTracer, { now = false } = {}): void {
    if (this.#tracer === undefined) {
      this.#unsent.push(message);
    } else {
      this.#tracer.port.postMessage(message);
      this.#unread++;
      if (!now && this.#unread < mostUnread) return;
      this.#unread = 0;
      kill(this.#tracer.wake, SIGSTOP);
    }
  }

  /** There is a tracer now. */
  start(tracer: Tracer): void {
    this.#tracer = tracer;
    for (const message of this.#unsent.splice(0)) this.tell(message, { now: true });
  }

  /** Calls whose wait is over, each with why it cannot be traced, if it cannot. */
  *settled(): Generator<{ readonly call: Call; readonly refusal: string | undefined }> {
    if (this.#tracer === undefined) return;
    for (;;) {
      const received = receiveMessageOnPort(this.#tracer.port) as { message: Attached } | undefined;
      if (received === undefined) return;
      const { ticket, refusal } = received.message;
      const call = this.#waiting.get(ticket);
      this.#waiting.delete(ticket);
      if (call !== undefined) yield { call, refusal };
    }
  }
}
