/**
 * Signals for the supervisor. Node does not tell who sent one, and does not know all of them. So the handler is
 * generated: it writes `siginfo_t` into a pipe.
 */
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { memfd } from '../../codepage/memfd.js';
import { growPipeNonblocking, pipe } from '../../linux/fs/fds.js';
import { MAP_ANONYMOUS, MAP_PRIVATE, mmap, PROT_NONE, pageSize } from '../../linux/mm/memory.js';
import {
  SA_ONSTACK,
  SA_RESTART,
  SA_SIGINFO,
  SIGKILL,
  SIGRTMAX,
  SIGSEGV,
  SIGSTOP,
  setSignalMask,
  sigaction,
} from '../../linux/process/signal.js';
import { hostMachine } from '../../native/host.js';

const { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTRAP } = constants.signals;
/** Signals of faults, which are the supervisor's own; two that nobody catches; and two that C libraries keep for themselves. */
const notForwarded = [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGKILL, SIGSTOP, 32, 33];
/** Signals that say something to a program. */
const forwarded = Array.from({ length: SIGRTMAX }, (_, index) => index + 1).filter(
  (signal) => !notForwarded.includes(signal),
);

/** Of `siginfo_t`: the signal, who sent it (above 0: the kernel) and which process. <asm-generic/siginfo.h> */
const SIGINFO = { size: 128, signal: 0, code: 8, pid: 16 } as const;

export interface ReceivedSignal {
  readonly signal: number;
  /** Whether a process sent it. If not, the kernel did. */
  readonly sentByProcess: boolean;
  readonly siginfo: Uint8Array;
}

/**
 * Calls `arrived` for all signals from now on, also if they were blocked, in the order in which they came.
 * @returns gives a signal back its default action, and what sets it again
 */
export function catchSignals(onSignals: (signals: readonly ReceivedSignal[]) => void): {
  restoreDefault(signal: number): void;
  install(signal: number): void;
} {
  const attempt = 'catch signals';
  const { read, write } = pipe(attempt);
  // The thread that reads it may be the one in the handler. There is room for 8,192 signals.
  growPipeNonblocking(write);
  const handlerCode = hostMachine().linux.siginfoToFdHandler(write, SIGINFO.size);
  const handlerAddress = mapHandlerCode(handlerCode.bytes, attempt);
  const flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  const restorer = handlerAddress + BigInt(handlerCode.restorerOffset);
  const install = (signal: number) =>
    sigaction(signal, { handler: handlerAddress, mask: 0n, flags, restorer });
  for (const signal of forwarded) install(signal);
  setSignalMask(0n);

  // Writes of up to PIPE_BUF bytes arrive whole, but may be read in pieces.
  let buffered = Buffer.alloc(0);
  new Socket({ fd: read, readable: true, writable: false }).on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    const signals: ReceivedSignal[] = [];
    for (; buffered.length >= SIGINFO.size; buffered = buffered.subarray(SIGINFO.size)) {
      const info = buffered.subarray(0, SIGINFO.size);
      // The kernel says that SIGPIPE and SIGXFSZ come from whoever wrote.
      if (info.readInt32LE(SIGINFO.pid) === process.pid && info.readInt32LE(SIGINFO.code) <= 0) continue;
      const sentByProcess = info.readInt32LE(SIGINFO.code) <= 0;
      signals.push({ signal: info.readInt32LE(SIGINFO.signal), sentByProcess, siginfo: info });
    }
    onSignals(signals);
  });
  return {
    restoreDefault: (signal) => sigaction(signal, { handler: 0n, mask: 0n, flags: 0, restorer }),
    install,
  };
}

/** By memfd, since without there are no objects either; to load all methods takes long. */
function mapHandlerCode(bytes: Uint8Array, attempt: string): bigint {
  const length = pageSize();
  const code = memfd.prepare({
    key: 'signal-relay',
    bytes: hostMachine().trampolines.padWithTraps(bytes, length),
  });
  try {
    const address = mmap({ length, prot: PROT_NONE, flags: MAP_PRIVATE | MAP_ANONYMOUS }, attempt);
    code.mapAt(address);
    return address;
  } finally {
    code.close();
  }
}
