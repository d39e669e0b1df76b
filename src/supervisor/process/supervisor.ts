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
import { yamaScope } from '../../linux/features.js';
import { eventfd, wakeEventfd } from '../../linux/fs/eventfd.js';
import { close, redirectToDevNull, setCloexec } from '../../linux/fs/fds.js';
import { forwardSignal, kill } from '../../linux/process/kill.js';
import { isStopped } from '../../linux/process/proc-status.js';
import { raiseFsize, raiseNofile } from '../../linux/process/rlimits.js';
import { setChildSubreaper, setDumpable } from '../../linux/process/self.js';
import { SIGCHLD, SIGSTOP, stopSignals } from '../../linux/process/signal.js';
import { type WaitStatus, WNOHANG, WUNTRACED, waitpid } from '../../linux/process/wait.js';
import {
  claimFirst,
  type MainToSyscall,
  type Stats,
  type SyscallThreadData,
  type SyscallToMain,
  type ThreadConfig,
  type TracerData,
  type TracerToMain,
} from '../messages.js';
import { GroupSignalDetector } from './group-signal-detector.js';
import { catchSignals, type ReceivedSignal } from './signals.js';
import { type ProgramOptions, spawnProgram } from './spawn-program.js';

/** What the kernel sends to the supervisor for what it did itself, or to others as well. */
const notForwardedFromKernel = [constants.signals.SIGXCPU, constants.signals.SIGIO, ...stopSignals];

export interface SupervisorOptions extends Omit<ProgramOptions, 'fileSizeLimit'>, ThreadConfig {}

/** Milliseconds for news that the program goes on, before the supervisor stops with it. */
const stopDelayMs = 10;

const zeroStats: Stats = { calls: 0, refused: 0, objectsCreated: 0, objectsAlive: 0 };

/** How the program ended, and what it did with objects. */
export interface ExitResult {
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
export function runSupervised(options: SupervisorOptions): Promise<ExitResult> {
  // Programs of the same user could read the supervisor's memory, take its descriptors, and trace it.
  setDumpable(false);
  // Where only descendants can be traced, orphans have to stay some.
  if ((yamaScope() ?? 0) > 0) setChildSubreaper();
  // Objects are files whose end is far out.
  const fileSizeLimit = raiseFsize();
  return new Promise((resolve, reject) => new Supervisor({ ...options, fileSizeLimit }, resolve, reject));
}

class Supervisor {
  readonly #config: ThreadConfig;
  readonly #wakeFd = eventfd('start the supervisor');
  readonly #signalCatcher = catchSignals((signals) => this.#onSignals(signals));
  readonly #groupSignalDetector: GroupSignalDetector;
  readonly #claimWord = new Int32Array(new SharedArrayBuffer(4));
  readonly #syscallThread: Worker;
  readonly #programPid: number;
  readonly #resolve: (result: ExitResult) => void;
  readonly #reject: (error: Error) => void;
  /** Signals that the kernel sent, as for the keys of a terminal. */
  readonly #kernelSignals = new Set<number>();
  #hasTracer = false;
  #stopTimer: NodeJS.Timeout | undefined;
  #exitResult: Omit<ExitResult, 'stats'> | undefined;

  constructor(
    options: SupervisorOptions & ProgramOptions,
    resolve: (result: ExitResult) => void,
    reject: (error: Error) => void,
  ) {
    const { policy, abi, typeModules, traceFd, auditFd } = options;
    this.#config = { policy, abi, typeModules, traceFd, auditFd };
    this.#resolve = resolve;
    this.#reject = reject;
    const otherFds = options.inherited.openFds.filter((fd) => fd > 2);
    // The program gets its own, by number; the processes of the supervisor that wait get none.
    for (const fd of otherFds) setCloexec(fd);
    // Before the program, so that it misses nothing that the program gets.
    this.#groupSignalDetector = new GroupSignalDetector();
    const { pid, listenerFd } = spawnProgram(options);
    this.#programPid = pid;
    // What the program closes shall be closed: others wait for the end of a pipe, or for a lock.
    for (const fd of otherFds) close(fd);
    redirectToDevNull(0);
    redirectToDevNull(1);
    // Every object takes a descriptor. The program has its own limit already.
    raiseNofile();
    // A folder that is gone is none for Workers, and this process has no need of one.
    process.chdir('/');
    const data: SyscallThreadData = {
      ...this.#config,
      listenerFd,
      wakeFd: this.#wakeFd,
      claimWord: this.#claimWord,
    };
    this.#syscallThread = this.#startThread('syscall-thread', data, (message: SyscallToMain) =>
      this.#onSyscallThreadMessage(message),
    );
  }

  #onSignals(signals: readonly ReceivedSignal[]): void {
    const forwardable = signals.filter(({ signal }) => signal !== SIGCHLD);
    if (forwardable.length > 0) this.#forward(forwardable);
    if (forwardable.length < signals.length) this.#reap();
  }

  /** Passes on what was sent to the supervisor alone, or before there was a program. */
  #forward(signals: readonly ReceivedSignal[]): void {
    const groupSignals = this.#groupSignalDetector.groupSignals(new Set(signals.map(({ signal }) => signal)));
    for (const { signal, sentByProcess, siginfo } of signals) {
      if (!sentByProcess && signal < SIGCHLD) this.#kernelSignals.add(signal);
      if (groupSignals.has(signal) || (!sentByProcess && notForwardedFromKernel.includes(signal))) continue;
      forwardSignal(this.#programPid, signal, siginfo);
    }
  }

  /** Looks what became of children; when there is a tracer, it does. */
  #reap(): void {
    while (!this.#hasTracer) {
      const waitStatus = waitpid(WNOHANG | WUNTRACED);
      if (waitStatus === undefined) return;
      this.#onWaitStatus(waitStatus);
    }
  }

  #onWaitStatus(waitStatus: WaitStatus): void {
    if (waitStatus.pid !== this.#programPid) return; // an orphan
    if (waitStatus.kind === 'exited') this.#onProgramExit(waitStatus.exitStatus);
    else if (waitStatus.kind === 'killed') this.#onProgramExit(128 + waitStatus.signal, waitStatus.signal);
    else if (waitStatus.kind === 'stopped') this.#stopWithProgram(waitStatus.signal);
  }

  /**
   * Stops with the program, so that the shell sees a stopped job. SIGCONT comes to the group, or is passed on. News
   * travel: if the program went on meanwhile, nobody would continue who stops now.
   */
  #stopWithProgram(signal: number): void {
    clearTimeout(this.#stopTimer);
    this.#stopTimer = setTimeout(() => {
      if (!isStopped(this.#programPid)) return;
      if (signal !== SIGSTOP) this.#signalCatcher.restoreDefault(signal);
      kill(process.pid, signal);
      if (signal !== SIGSTOP) this.#signalCatcher.install(signal);
    }, stopDelayMs);
  }

  #onProgramExit(status: number, signal = 0): void {
    if (this.#exitResult !== undefined) return;
    this.#exitResult = { status, signal: this.#kernelSignals.has(signal) ? signal : undefined };
    if (claimFirst(this.#claimWord)) this.#resolve({ ...this.#exitResult, stats: zeroStats });
    else this.#postToSyscallThread({ kind: 'end' });
  }

  #onSyscallThreadMessage(message: SyscallToMain): void {
    if (message.kind === 'want-tracer') this.#startTracer();
    else this.#resolve({ ...this.#exitResult!, stats: message.stats });
  }

  #startTracer(): void {
    const { port1, port2 } = new MessageChannel();
    const data: TracerData = { ...this.#config, port: port2, wakeFd: this.#wakeFd };
    // From now on it waits for children; two would take each other's news. Each stop of a traced thread is one.
    this.#hasTracer = true;
    this.#signalCatcher.restoreDefault(SIGCHLD);
    this.#startThread(
      'tracer-thread',
      data,
      (message: TracerToMain) => {
        if (message.kind === 'change') this.#onWaitStatus(message.waitStatus);
        else if (message.kind === 'continued') clearTimeout(this.#stopTimer);
        else this.#postToSyscallThread({ ...message, kind: 'tracer', port: port1 }, [port1]);
      },
      [port2],
    );
  }

  #startThread<Message>(
    name: 'syscall-thread' | 'tracer-thread',
    data: SyscallThreadData | TracerData,
    onMessage: (message: Message) => void,
    transferList: MessagePort[] = [],
  ): Worker {
    const worker = new Worker(new URL(`./${name}.js`, import.meta.url), {
      workerData: data,
      transferList,
      // Node would open this process's streams for the Worker, and make pipes non-blocking, for the program, too.
      stdout: true,
      stderr: true,
    });
    worker.on('message', onMessage);
    worker.on('error', (error) => this.#reject(error));
    // When all is done nobody hears this any more.
    worker.on('exit', () => this.#reject(new Error(`the ${name} has ended`)));
    return worker;
  }

  #postToSyscallThread(message: MainToSyscall, transfer: MessagePort[] = []): void {
    this.#syscallThread.postMessage(message, transfer);
    wakeEventfd(this.#wakeFd);
  }
}
