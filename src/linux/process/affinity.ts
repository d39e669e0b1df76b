/** CPU affinity and CPU load. @see sched_setaffinity(2), proc_pid_stat(5) */
import { readFileSync } from 'node:fs';
import { libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';

/** `cpu_set_t`: a bit for each of 1,024 CPUs. */
const cpuMask = new Uint8Array(128);
let initialMask: Uint8Array | undefined;

/** Returns the CPU on which a thread last ran; `undefined` if it exited. */
export function lastCpu(tid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${tid}/stat`, 'latin1');
    // Field 2, the name, may contain spaces and parentheses; field 3 follows it. `processor` is field 39.
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[36]);
  } catch {
    return undefined;
  }
}

/** Returns the number of runnable threads of the system, including this one. @see proc_loadavg(5) */
export function runnableThreads(): number {
  return Number(readFileSync('/proc/loadavg', 'latin1').split(' ')[3]?.split('/')[0]);
}

/** Pins the calling thread to a CPU; with `undefined` restores its initial affinity. */
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
