/**
 * Signals for the supervisor. Node does not tell who sent one, and does not know all of them. So the handler is
 * generated: it writes `siginfo_t` into a pipe.
 */
import { Socket } from 'node:net';
import { memfd } from '../codepage/memfd.js';
import { neverWait, pipe } from '../linux/descriptors.js';
import { thisMachine } from '../linux/host.js';
import { MAP_ANONYMOUS, MAP_PRIVATE, mmap, PROT_NONE, pageSize } from '../linux/memory.js';
import { SA_ONSTACK, SA_RESTART, SA_SIGINFO, setBlocked, sigaction } from '../linux/signal.js';

/**
 * Signals that say something to a program: neither those of faults, which are the supervisor's own, nor SIGKILL and
 * SIGSTOP, which nobody catches. Real-time signals included, except the two that C libraries keep for themselves.
 */
const relayed = [
  ...[1, 2, 3, 10, 12, 13, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31],
  ...Array.from({ length: 31 }, (_, index) => 34 + index),
];

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
