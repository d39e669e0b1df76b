import { type MessagePort, Worker } from 'node:worker_threads';
import type { SyscallThreadData, TracerData } from './messages.js';

/** Starts a thread of the supervisor, from the bundle also if this module was loaded from outside it. */
export function startThread(
  name: 'syscall-thread' | 'tracer-thread',
  workerData: SyscallThreadData | TracerData,
  transferList: MessagePort[] = [],
): Worker {
  return new Worker(new URL(`../bundle/${name}.js`, import.meta.url), {
    workerData,
    transferList,
    // Otherwise Node opens this process's streams for the Worker and makes pipes non-blocking, also for the program.
    stdout: true,
    stderr: true,
  });
}
