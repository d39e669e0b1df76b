/** A process that does nothing, and ends with the supervisor. Stopping it wakes who waits for children. */
import { writeSync } from 'node:fs';
import { spawnProcess } from '../linux/children.js';
import { close, pipe } from '../linux/descriptors.js';
import { thisMachine } from '../linux/host.js';
import { encodeCalls, type LaunchCall, launcherPath, listDescriptor } from '../linux/launch.js';

/** Of the pipe that nobody writes to. */
const silent = 4;

// <signal.h>
const SIG_SETMASK = 2;
const signalSetSize = 8;
const allSignals = { words: [2n ** 64n - 1n] };

/** @returns its number. Its parent is the calling thread. */
export function startSleeper(): number {
  const { systemCalls } = thisMachine();
  const attempt = 'start a process to wake the tracer';
  const calls: LaunchCall[] = [
    // What a terminal sends to all of its foreground is not meant for this one.
    {
      name: 'rt_sigprocmask',
      number: systemCalls.rt_sigprocmask,
      arguments: [SIG_SETMASK, allSignals, 0, signalSetSize],
      attempt,
    },
    { name: 'read', number: systemCalls.read, arguments: [silent, new Uint8Array(1), 1], attempt },
    { name: 'exit_group', number: systemCalls.exit_group, arguments: [0], attempt },
  ];
  const list = pipe(attempt);
  // The end for writing stays open here as long as this process lives.
  const { read } = pipe(attempt);
  try {
    const descriptors = [[listDescriptor, list.read] as const, [silent, read] as const];
    const pid = spawnProcess(launcherPath(process.arch), descriptors, attempt);
    writeSync(list.write, encodeCalls(calls));
    return pid;
  } finally {
    for (const fd of [list.read, list.write, read]) close(fd);
  }
}
