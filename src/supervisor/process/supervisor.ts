/**
 * Supervises one program and all processes that it starts, with three threads, since there are three kinds of events to
 * wait for:
 *
 * - the main thread (this module): signals, the terminal, and the program's wait statuses
 * - the *syscall thread*: system calls; it owns the objects
 * - the *tracer thread*, once there are slow objects: their faults, and then all wait statuses
 *
 * The supervisor exits with the program. In processes that outlive the program, calls then fail with `ENOSYS`, and fast
 * trampolines work as before.
 */
import { constants } from 'node:os';
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
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
  type SyscallToMain,
  type ThreadConfig,
  type TracerToMain,
} from '../messages.js';
import { startThread } from '../start-thread.js';
import { GroupSignalDetector } from './group-signal-detector.js';
import type { ProgramOptions } from './launch-syscalls.js';
import { catchSignals, type ReceivedSignal } from './signals.js';
import { spawnProgram } from './spawn-program.js';

/** Kernel-generated signals that are not forwarded: caused by the supervisor itself, or also sent to the program. */
const notForwardedFromKernel = [constants.signals.SIGXCPU, constants.signals.SIGIO, ...stopSignals];

export interface SupervisorOptions extends Omit<ProgramOptions, 'fileSizeLimit'>, ThreadConfig {}

/** Milliseconds to wait for a report that the program was continued, before the supervisor stops with it. */
const stopDelayMs = 10;

const zeroStats: Stats = { calls: 0, refused: 0, objectsCreated: 0, objectsAlive: 0 };

export interface ExitResult {
  /** The exit code, or 128 plus the signal, as shells do. */
  readonly status: number;
  /**
   * The signal, if the terminal sent it to the supervisor as well. The caller shall then die from it, too: a shell ends
   * a script if SIGINT killed the program, but not if the program exited with 130.
   */
  readonly signal: number | undefined;
  readonly stats: Stats;
}

/** Runs a program until it ends. @throws TrampfdError if it cannot be started */
export function runSupervised(options: SupervisorOptions): Promise<ExitResult> {
  // Otherwise processes of the same user could read the supervisor's memory, copy its fds, and trace it.
  setDumpable(false);
  // If only descendants can be traced, orphans must remain descendants.
  if ((yamaScope() ?? 0) > 0) setChildSubreaper();
  // The files of objects end beyond any usual limit.
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
  /** Signals that the kernel sent, for example for a key of the terminal. */
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
    // The launcher passes them to the program; the supervisor's idle processes must not inherit them.
    for (const fd of otherFds) setCloexec(fd);
    // Started before the program, so that it receives every group signal that the program receives.
    this.#groupSignalDetector = new GroupSignalDetector();
    const { pid, listenerFd } = spawnProgram(options);
    this.#programPid = pid;
    // A pipe or lock is released when the program closes its fd, so the supervisor must not hold a copy.
    for (const fd of otherFds) close(fd);
    redirectToDevNull(0);
    redirectToDevNull(1);
    // Every object needs an fd. The program already has its own limit.
    raiseNofile();
    // Workers cannot start in a removed directory, and this process needs no working directory.
    process.chdir('/');
    this.#syscallThread = startThread('syscall-thread', {
      ...this.#config,
      listenerFd,
      wakeFd: this.#wakeFd,
      claimWord: this.#claimWord,
    });
    this.#watch(this.#syscallThread, 'syscall thread', (message: SyscallToMain) => {
      if (message.kind === 'tracer-requested') this.#startTracer();
      else this.#resolve({ ...this.#exitResult!, stats: message.stats });
    });
  }

  #onSignals(signals: readonly ReceivedSignal[]): void {
    const forwardable = signals.filter(({ signal }) => signal !== SIGCHLD);
    if (forwardable.length > 0) this.#forward(forwardable);
    if (forwardable.length < signals.length) this.#reap();
  }

  /** Forwards signals that were sent only to the supervisor, or before the program existed. */
  #forward(signals: readonly ReceivedSignal[]): void {
    const groupSignals = this.#groupSignalDetector.groupSignals(new Set(signals.map(({ signal }) => signal)));
    for (const { signal, sentByProcess, siginfo } of signals) {
      if (!sentByProcess && signal < SIGCHLD) this.#kernelSignals.add(signal);
      if (groupSignals.has(signal) || (!sentByProcess && notForwardedFromKernel.includes(signal))) continue;
      forwardSignal(this.#programPid, signal, siginfo);
    }
  }

  /** Collects wait statuses, unless the tracer does. */
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
   * Stops the supervisor with the program, so that the shell sees a stopped job. A group SIGCONT or a forwarded one
   * continues the supervisor. The stop report may be stale: if the program has already been continued, stopping now
   * would hang the supervisor, so its state is checked first.
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
    else this.#postToSyscallThread({ kind: 'shutdown' });
  }

  #startTracer(): void {
    const { port1, port2 } = new MessageChannel();
    // From now on only the tracer waits for children: each would take wait statuses from the other. Every stop of a
    // traced thread causes a SIGCHLD.
    this.#hasTracer = true;
    this.#signalCatcher.restoreDefault(SIGCHLD);
    const tracer = startThread('tracer-thread', { ...this.#config, port: port2, wakeFd: this.#wakeFd }, [
      port2,
    ]);
    this.#watch(tracer, 'tracer', (message: TracerToMain) => {
      if (message.kind === 'wait-status') this.#onWaitStatus(message.waitStatus);
      else if (message.kind === 'continued') clearTimeout(this.#stopTimer);
      else this.#postToSyscallThread({ ...message, kind: 'tracer', port: port1 }, [port1]);
    });
  }

  #watch<Message>(worker: Worker, name: string, onMessage: (message: Message) => void): void {
    worker.on('message', onMessage);
    worker.on('error', this.#reject);
    // Has no effect after the promise was resolved.
    worker.on('exit', () => this.#reject(new Error(`the ${name} exited`)));
  }

  #postToSyscallThread(message: MainToSyscall, transfer: MessagePort[] = []): void {
    this.#syscallThread.postMessage(message, transfer);
    wakeEventfd(this.#wakeFd);
  }
}
