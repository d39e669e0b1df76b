/**
 * Signals for the supervisor. Node does not tell who sent one, and does not know all of them. So the handler is
 * generated: it writes `siginfo_t` into a pipe.
 */
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { memfd } from '../codepage/memfd.js';
import { neverWait, pipe } from '../linux/descriptors.js';
import { thisMachine } from '../linux/host.js';
import { MAP_ANONYMOUS, MAP_PRIVATE, mmap, PROT_NONE, pageSize } from '../linux/memory.js';
import {
  lastSignal,
  SA_ONSTACK,
  SA_RESTART,
  SA_SIGINFO,
  SIGKILL,
  SIGSEGV,
  SIGSTOP,
  setBlocked,
  sigaction,
} from '../linux/signal.js';

const { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTRAP } = constants.signals;
/** Signals of faults, which are the supervisor's own; two that nobody catches; and two that C libraries keep for themselves. */
const others = [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGKILL, SIGSTOP, 32, 33];
/** Signals that say something to a program. */
const relayed = Array.from({ length: lastSignal }, (_, index) => index + 1).filter(
  (signal) => !others.includes(signal),
);

/** Of `siginfo_t`: the signal, who sent it (above 0: the kernel) and which process. <asm-generic/siginfo.h> */
const siginfo = { size: 128, signal: 0, code: 8, pid: 16 } as const;

export interface Arrived {
  readonly signal: number;
  /** Whether a process sent it. If not, the kernel did. */
  readonly sent: boolean;
  readonly siginfo: Uint8Array;
}

/**
 * Calls `arrived` for all signals from now on, also if they were blocked, in the order in which they came.
 * @returns gives a signal back its default action, and what sets it again
 */
export function catchSignals(arrived: (signals: readonly Arrived[]) => void): {
  release(signal: number): void;
  take(signal: number): void;
} {
  const attempt = 'catch signals';
  const { read, write } = pipe(attempt);
  // The thread that reads it may be the one in the handler. There is room for 8,192 signals.
  neverWait(write);
  const relay = thisMachine().signalRelay(write, siginfo.size);
  const address = mapRelay(relay.bytes, attempt);
  const flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  const restorer = address + BigInt(relay.restorerAt);
  const take = (signal: number) => sigaction(signal, { handler: address, mask: 0n, flags, restorer });
  for (const signal of relayed) take(signal);
  setBlocked(0n);

  // Writes of up to PIPE_BUF bytes arrive whole, but may be read in pieces.
  let rest = Buffer.alloc(0);
  new Socket({ fd: read, readable: true, writable: false }).on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    const signals: Arrived[] = [];
    for (; rest.length >= siginfo.size; rest = rest.subarray(siginfo.size)) {
      const own = rest.subarray(0, siginfo.size);
      // The kernel says that SIGPIPE and SIGXFSZ come from whoever wrote.
      if (own.readInt32LE(siginfo.pid) === process.pid && own.readInt32LE(siginfo.code) <= 0) continue;
      const sent = own.readInt32LE(siginfo.code) <= 0;
      signals.push({ signal: own.readInt32LE(siginfo.signal), sent, siginfo: own });
    }
    arrived(signals);
  });
  return {
    release: (signal) => sigaction(signal, { handler: 0n, mask: 0n, flags: 0, restorer }),
    take,
  };
}

/** By memfd, since without there are no objects either; to load all methods takes long. */
function mapRelay(bytes: Uint8Array, attempt: string): bigint {
  const length = pageSize();
  const code = memfd.prepare({ key: 'signal-relay', bytes: thisMachine().padCode(bytes, length) });
  try {
    const address = mmap({ length, prot: PROT_NONE, flags: MAP_PRIVATE | MAP_ANONYMOUS }, attempt);
    code.mapAt(address);
    return address;
  } finally {
    code.close();
  }
}
