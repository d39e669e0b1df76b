/** Idle child processes, which block all signals and exit when the supervisor exits. */
import { writeSync } from 'node:fs';
import { launcherPath } from '../../launcher/launcher.js';
import { encodeScript, type SyscallRequest, scriptFd } from '../../launcher/syscall-script.js';
import { close, pipe } from '../../linux/fs/fds.js';
import { posixSpawn } from '../../linux/process/posix-spawn.js';
import { allSignals, setSignalMask } from '../../linux/process/signal.js';
import { hostMachine } from '../../native/host.js';

const attempt = 'start an idle process';
/** The fd of {@link blockingPipe} in an idle process. */
const blockingFd = 4;
/** A pipe that is never written to. Its writing end is open as long as this process lives. */
let blockingPipe: { readonly read: number } | undefined;

/** Starts an idle process, as a child of the calling thread. @returns its process ID */
export function spawnIdleProcess(): number {
  const { systemCalls } = hostMachine().linux;
  const syscalls: SyscallRequest[] = [
    { name: 'read', number: systemCalls.read, arguments: [blockingFd, new Uint8Array(1), 1], attempt },
    { name: 'exit_group', number: systemCalls.exit_group, arguments: [0], attempt },
  ];
  blockingPipe ??= pipe(attempt);
  const scriptPipe = pipe(attempt);
  // The child inherits the mask: a signal from the terminal to the whole group must never kill it.
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
