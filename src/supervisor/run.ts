/**
 * The supervisor: plays the kernel's part for one program and all that it starts. Three threads, since three
 * things are waited for:
 *
 * - this one: signals and the terminal, the program's life
 * - the *answerer*: system calls; it owns the objects
 * - the *tracer*, when there are slow objects: their faults, and then the program's life, too
 *
 * It ends with the program. Whatever the program leaves behind goes on: calls answer `ENOSYS`, fast trampolines
 * stay as they are.
 */
import { constants } from 'node:os';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import {
  type Change,
  kill,
  sendSignal,
  setDumpable,
  setSubreaper,
  WNOHANG,
  WUNTRACED,
  waitForChange,
} from '../linux/children.js';
import { close, closeOnExec, eventfd, ring, silenceStream } from '../linux/descriptors.js';
import { yamaScope } from '../linux/features.js';
import { raiseFileSize, raiseOpenFiles } from '../linux/limits.js';
import { isStopped } from '../linux/proc.js';
import { SIGCHLD, SIGSTOP, stopSignals } from '../linux/signal.js';
import {
  type AnswererData,
  type FromMain,
  type FromTracer,
  isFirst,
  type Setting,
  type Stats,
  type ToMain,
  type TracerData,
} from './messages.js';
import { type ProgramOptions, startProgram } from './program.js';
import { type Arrived, catchSignals } from './signals.js';
import { Witness } from './witness.js';

/** What the kernel sends to the supervisor for what it did itself, or to others as well. */
const ownSignals = [constants.signals.SIGXCPU, constants.signals.SIGIO, ...stopSignals];

export interface RunOptions extends Omit<ProgramOptions, 'fileSize'>, Setting {}

/** Milliseconds for news that the program goes on, before the supervisor stops with it. */
const patience = 10;

const nothingDone: Stats = { calls: 0, refused: 0, objectsMade: 0, objectsAlive: 0 };

/** How the program ended, and what it did with objects. */
export interface Ended {
  /** As a shell tells it: the exit code, or 128 and the signal. */
  readonly status: number;
  /**
   * The signal, if the terminal sent it to the supervisor as well: then both shall end by it, since shells end a script
   * when SIGINT has ended the program, and not when it exits with 130.
   */
  readonly signal: number | undefined;
  readonly stats: Stats;
}

/** Runs a program to its end. @throws TrampfdError when it cannot be started */
export function runSupervised(options: RunOptions): Promise<Ended> {
  // Programs of the same user could read the supervisor's memory, take its descriptors, and trace it.
  setDumpable(false);
  // Where only descendants can be traced, orphans have to stay some.
  if ((yamaScope() ?? 0) > 0) setSubreaper();
  // Objects are files whose end is far out.
  const fileSize = raiseFileSize();
  return new Promise((resolve, reject) => new Supervisor({ ...options, fileSize }, resolve, reject));
}

class Supervisor {
  readonly #setting: Setting;
  readonly #bell = eventfd('start the supervisor');
  readonly #signals = catchSignals((signals) => this.#onSignals(signals));
  readonly #witness: Witness;
  readonly #first = new Int32Array(new SharedArrayBuffer(4));
  readonly #answerer: Worker;
  readonly #program: number;
  readonly #finish: (ended: Ended) => void;
  readonly #fail: (error: Error) => void;
  /** Signals that the kernel sent, as for the keys of a terminal. */
  readonly #fromKernel = new Set<number>();
  #hasTracer = false;
  #stopping: NodeJS.Timeout | undefined;
  #ended: Omit<Ended, 'stats'> | undefined;

  constructor(
    options: RunOptions & ProgramOptions,
    finish: (ended: Ended) => void,
    fail: (error: Error) => void,
  ) {
    const { policy, abi, types, traceTo, auditTo } = options;
    this.#setting = { policy, abi, types, traceTo, auditTo };
    this.#finish = finish;
    this.#fail = fail;
    const others = options.inherited.descriptors.filter((fd) => fd > 2);
    // The program gets its own, by number; the processes of the supervisor that wait get none.
    for (const fd of others) closeOnExec(fd);
    // Before the program, so that it misses nothing that the program gets.
    this.#witness = new Witness();
    const { pid, listener } = startProgram(options);
    this.#program = pid;
    // What the program closes shall be closed: others wait for the end of a pipe, or for a lock.
    for (const fd of others) close(fd);
    silenceStream(0);
    silenceStream(1);
    // Every object takes a descriptor. The program has its own limit already.
    raiseOpenFiles();
    // A folder that is gone is none for Workers, and this process has no need of one.
    process.chdir('/');
    const data: AnswererData = { ...this.#setting, listener, bell: this.#bell, first: this.#first };
    this.#answerer = this.#startThread('answerer', data, (message: ToMain) => this.#onAnswerer(message));
  }

  #onSignals(signals: readonly Arrived[]): void {
    const others = signals.filter(({ signal }) => signal !== SIGCHLD);
    if (others.length > 0) this.#passOn(others);
    if (others.length < signals.length) this.#reap();
  }

  /** Passes on what was sent to the supervisor alone, or before there was a program. */
  #passOn(signals: readonly Arrived[]): void {
    const toGroup = this.#witness.groupSignals(new Set(signals.map(({ signal }) => signal)));
    for (const { signal, sent, siginfo } of signals) {
      if (!sent && signal < SIGCHLD) this.#fromKernel.add(signal);
      if (toGroup.has(signal) || (!sent && ownSignals.includes(signal))) continue;
      sendSignal(this.#program, signal, siginfo);
    }
  }

  /** Looks what became of children; when there is a tracer, it does. */
  #reap(): void {
    while (!this.#hasTracer) {
      const change = waitForChange(WNOHANG | WUNTRACED);
      if (change === undefined) return;
      this.#onChange(change);
    }
  }

  #onChange(change: Change): void {
    if (change.pid !== this.#program) return; // an orphan
    if (change.kind === 'exited') this.#end(change.status);
    else if (change.kind === 'killed') this.#end(128 + change.signal, change.signal);
    else if (change.kind === 'stopped') this.#stop(change.signal);
  }

  /**
   * Stops with the program, so that the shell sees a stopped job. SIGCONT comes to the group, or is passed on. News
   * travel: if the program went on meanwhile, nobody would continue who stops now.
   */
  #stop(signal: number): void {
    clearTimeout(this.#stopping);
    this.#stopping = setTimeout(() => {
      if (!isStopped(this.#program)) return;
      if (signal !== SIGSTOP) this.#signals.release(signal);
      kill(process.pid, signal);
      if (signal !== SIGSTOP) this.#signals.take(signal);
    }, patience);
  }

  #end(status: number, signal = 0): void {
    if (this.#ended !== undefined) return;
    this.#ended = { status, signal: this.#fromKernel.has(signal) ? signal : undefined };
    if (isFirst(this.#first)) this.#finish({ ...this.#ended, stats: nothingDone });
    else this.#tellAnswerer({ kind: 'end' });
  }

  #onAnswerer(message: ToMain): void {
    if (message.kind === 'want-tracer') this.#startTracer();
    else this.#finish({ ...this.#ended!, stats: message.stats });
  }

  #startTracer(): void {
    const { port1, port2 } = new MessageChannel();
    const data: TracerData = { ...this.#setting, port: port2, bell: this.#bell };
    // From now on it waits for children; two would take each other's news. Each stop of a traced thread is one.
    this.#hasTracer = true;
    this.#signals.release(SIGCHLD);
    this.#startThread(
      'tracer',
      data,
      (message: FromTracer) => {
        if (message.kind === 'change') this.#onChange(message.change);
        else if (message.kind === 'continued') clearTimeout(this.#stopping);
        else this.#tellAnswerer({ ...message, kind: 'tracer', port: port1 }, [port1]);
      },
      [port2],
    );
  }

  #startThread<Message>(
    name: 'answerer' | 'tracer',
    data: AnswererData | TracerData,
    heard: (message: Message) => void,
    transferList: MessagePort[] = [],
  ): Worker {
    const worker = new Worker(new URL(`./${name}.js`, import.meta.url), {
      workerData: data,
      transferList,
      // Node would open this process's streams for the Worker, and make pipes non-blocking, for the program, too.
      stdout: true,
      stderr: true,
    });
    worker.on('message', heard);
    worker.on('error', (error) => this.#fail(error));
    // When all is done nobody hears this any more.
    worker.on('exit', () => this.#fail(new Error(`the ${name} has ended`)));
    return worker;
  }

  #tellAnswerer(message: FromMain, transfer: MessagePort[] = []): void {
    this.#answerer.postMessage(message, transfer);
    ring(this.#bell);
  }
}
