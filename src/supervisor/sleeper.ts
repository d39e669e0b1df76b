/** Processes that do nothing, block every signal, and end with the supervisor. */
import { writeSync } from 'node:fs';
import { spawnProcess } from '../linux/children.js';
import { close, pipe } from '../linux/descriptors.js';
import { thisMachine } from '../linux/host.js';
import { encodeCalls, type LaunchCall, launcherPath, listDescriptor } from '../linux/launch.js';
import { allSignals, setBlocked } from '../linux/signal.js';

const attempt = 'start a process that waits';
/** Where a sleeper has the pipe that nobody writes to. */
const silentDescriptor = 4;
/** That pipe. Its end for writing stays open as long as this process lives. */
let silent: { readonly read: number } | undefined;

/** @returns its number. Its parent is the calling thread. */
export function startSleeper(): number {
  const { systemCalls } = thisMachine();
  const calls: LaunchCall[] = [
    { name: 'read', number: systemCalls.read, arguments: [silentDescriptor, new Uint8Array(1), 1], attempt },
    { name: 'exit_group', number: systemCalls.exit_group, arguments: [0], attempt },
  ];
  silent ??= pipe(attempt);
  const list = pipe(attempt);
  // From its first moment: what the terminal sends to all of the group must not end it.
  const blocked = setBlocked(allSignals);
  try {
    const descriptors = [[listDescriptor, list.read] as const, [silentDescriptor, silent.read] as const];
    const pid = spawnProcess(launcherPath(process.arch), descriptors, attempt);
    writeSync(list.write, encodeCalls(calls));
    return pid;
  } finally {
    setBlocked(blocked);
    for (const fd of [list.read, list.write]) close(fd);
  }
}
