/** Who runs on which processor. @see sched_setaffinity(2), proc_pid_stat(5) */
import { readFileSync } from 'node:fs';
import { libc } from '../../native/libc.js';
import { addressOfBytes } from '../mm/memory.js';

/** `cpu_set_t`: 1,024 processors. */
const cpuMask = new Uint8Array(128);
let initialMask: Uint8Array | undefined;

/** The processor that a thread ran on last; nothing when it is gone. */
export function lastCpu(tid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${tid}/stat`, 'latin1');
    // Behind the name, which may hold anything, the third field comes next; this is the 39th.
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[36]);
  } catch {
    return undefined;
  }
}

/** How many threads of the whole system run or could, this one included. @see proc_loadavg(5) */
export function runnableThreads(): number {
  return Number(readFileSync('/proc/loadavg', 'latin1').split(' ')[3]?.split('/')[0]);
}

/** Keeps the calling thread on one processor, or lets it run wherever it could before. */
export function setAffinity(cpu: number | undefined): void {
  const { sched_getaffinity, sched_setaffinity } = libc();
  const maskAddress = addressOfBytes(cpuMask);
  if (initialMask === undefined) {
    sched_getaffinity(0, cpuMask.length, maskAddress);
    initialMask = cpuMask.slice();
  }
  cpuMask.set(initialMask);
  if (cpu !== undefined) {
    cpuMask.fill(0);
    cpuMask[cpu >> 3] = 1 << (cpu & 7);
  }
  sched_setaffinity(0, cpuMask.length, maskAddress);
}
