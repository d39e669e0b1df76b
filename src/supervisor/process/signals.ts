/**
 * Receives signals for the supervisor. Node neither reports the sender of a signal nor handles all signals, so the
 * handler is generated code that writes `siginfo_t` into a pipe.
 */
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { mapOnce } from '../../codepage/map-once.js';
import { growPipeNonblocking, pipe } from '../../linux/fs/fds.js';
import {
  SA_ONSTACK,
  SA_RESTART,
  SA_SIGINFO,
  SIGINFO,
  SIGKILL,
  SIGRTMAX,
  SIGSEGV,
  SIGSTOP,
  setSignalMask,
  sigaction,
} from '../../linux/process/signal.js';
import { hostMachine } from '../../native/host.js';

const { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTRAP } = constants.signals;
/** The supervisor's own faults, the two signals that cannot be caught, and the two that C libraries reserve. */
const notForwarded = [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGKILL, SIGSTOP, 32, 33];
const forwarded = Array.from({ length: SIGRTMAX }, (_, index) => index + 1).filter(
  (signal) => !notForwarded.includes(signal),
);

export interface ReceivedSignal {
  readonly signal: number;
  /** False if the kernel sent it. */
  readonly sentByProcess: boolean;
  readonly siginfo: Uint8Array;
}

/**
 * Catches all signals, also those that were blocked, and passes them to `onSignals` in the order of their arrival.
 * @returns functions that restore a signal's default action and install the handler again
 */
export function catchSignals(onSignals: (signals: readonly ReceivedSignal[]) => void): {
  restoreDefault(signal: number): void;
  install(signal: number): void;
} {
  const attempt = 'catch signals';
  const { read, write } = pipe(attempt);
  // The handler may interrupt the thread that reads the pipe, so it must not block. The pipe holds 8,192 signals.
  growPipeNonblocking(write);
  const { bytes, restorerOffset } = hostMachine().linux.siginfoToFdHandler(write, SIGINFO.size);
  const handler = mapOnce({ key: 'signal-relay', bytes }, attempt);
  const flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  const restorer = handler + BigInt(restorerOffset);
  const install = (signal: number) => sigaction(signal, { handler, mask: 0n, flags, restorer });
  for (const signal of forwarded) install(signal);
  setSignalMask(0n);

  // Writes of up to PIPE_BUF bytes are atomic, but a read may return part of one.
  let buffered = Buffer.alloc(0);
  new Socket({ fd: read, readable: true, writable: false }).on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    const signals: ReceivedSignal[] = [];
    for (; buffered.length >= SIGINFO.size; buffered = buffered.subarray(SIGINFO.size)) {
      const siginfo = buffered.subarray(0, SIGINFO.size);
      const sentByProcess = siginfo.readInt32LE(SIGINFO.code) <= 0;
      // The kernel names the writing process, here this one, as the sender of SIGPIPE and SIGXFSZ.
      if (sentByProcess && siginfo.readInt32LE(SIGINFO.pid) === process.pid) continue;
      signals.push({ signal: siginfo.readInt32LE(SIGINFO.signal), sentByProcess, siginfo });
    }
    onSignals(signals);
  });
  return {
    restoreDefault: (signal) => sigaction(signal, { handler: 0n, mask: 0n, flags: 0, restorer }),
    install,
  };
}
