/** Who runs on which processor. @see sched_setaffinity(2), proc_pid_stat(5) */
import { readFileSync } from 'node:fs';
import { libc } from './libc.js';
import { addressOfBytes } from './memory.js';

/** `cpu_set_t`: 1,024 processors. */
const processors = new Uint8Array(128);
let all: Uint8Array | undefined;

/** The processor that a thread ran on last; nothing when it is gone. */
export function lastProcessor(tid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${tid}/stat`, 'latin1');
    // Behind the name, which may hold anything, the third field comes next; this is the 39th.
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[36]);
  } catch {
    return undefined;
  }
}

/** How many threads of the whole system run or could, this one included. @see proc_loadavg(5) */
export function runnable(): number {
  return Number(readFileSync('/proc/loadavg', 'latin1').split(' ')[3]?.split('/')[0]);
}

/** Keeps the calling thread on one processor, or lets it run wherever it could before. */
export function runOn(processor: number | undefined): void {
  const { sched_getaffinity, sched_setaffinity } = libc();
  const at = addressOfBytes(processors);
  if (all === undefined) {
    sched_getaffinity(0, processors.length, at);
    all = processors.slice();
  }
  processors.set(all);
  if (processor !== undefined) {
    processors.fill(0);
    processors[processor >> 3] = 1 << (processor & 7);
  }
  sched_setaffinity(0, processors.length, at);
}
