/** Processes that do nothing, block every signal, and end with the supervisor. */
import { writeSync } from 'node:fs';
import { encodeScript, launcherPath, type SyscallRequest, scriptFd } from '../../launcher/launcher.js';
import { close, pipe } from '../../linux/fs/fds.js';
import { posixSpawn } from '../../linux/process/processes.js';
import { allSignals, setSignalMask } from '../../linux/process/signal.js';
import { hostMachine } from '../../native/host.js';

const attempt = 'start a process that waits';
/** Where a sleeper has the pipe that nobody writes to. */
const blockingFd = 4;
/** That pipe. Its end for writing stays open as long as this process lives. */
let blockingPipe: { readonly read: number } | undefined;

/** @returns its number. Its parent is the calling thread. */
export function spawnIdleProcess(): number {
  const { systemCalls } = hostMachine().linux;
  const syscalls: SyscallRequest[] = [
    { name: 'read', number: systemCalls.read, arguments: [blockingFd, new Uint8Array(1), 1], attempt },
    { name: 'exit_group', number: systemCalls.exit_group, arguments: [0], attempt },
  ];
  blockingPipe ??= pipe(attempt);
  const scriptPipe = pipe(attempt);
  // From its first moment: what the terminal sends to all of the group must not end it.
  const previousMask = setSignalMask(allSignals);
  try {
    const fdMappings = [[scriptFd, scriptPipe.read] as const, [blockingFd, blockingPipe.read] as const];
    const pid = posixSpawn(launcherPath(process.arch), fdMappings, attempt);
    writeSync(scriptPipe.write, encodeScript(syscalls));
    return pid;
  } finally {
    setSignalMask(previousMask);
    for (const fd of [scriptPipe.read, scriptPipe.write]) close(fd);
  }
}
