/**
 * Starts the program through the launcher, which installs the seccomp filter. The launcher then writes a byte to the
 * status pipe and waits; the supervisor copies the notify fd and writes a byte to the go pipe; the launcher executes
 * the program, which closes the status pipe. If a system call fails, the launcher writes which one instead.
 */
import { readdirSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { TrampfdError } from '../../core/errors.js';
import { decodeFailure } from '../../launcher/launch-failure.js';
import { launcherPath } from '../../launcher/launcher.js';
import { encodeScript, scriptFd } from '../../launcher/syscall-script.js';
import { close, pipe } from '../../linux/fs/fds.js';
import { writeAll } from '../../linux/fs/write-all.js';
import { pidfdGetfd } from '../../linux/process/pidfd.js';
import { posixSpawn } from '../../linux/process/posix-spawn.js';
import { allSignals, setSignalMask } from '../../linux/process/signal.js';
import { type LauncherFds, launchSyscalls, type ProgramOptions } from './launch-syscalls.js';

export interface Program {
  readonly pid: number;
  /** The notify fd of the program's seccomp filter, in this process. */
  readonly listenerFd: number;
}

const attempt = 'start the program';

/** Starts the program. @throws TrampfdError with the system call of the launcher that failed */
export function spawnProgram(options: ProgramOptions): Program {
  try {
    return launchProgram(options);
  } catch (error) {
    const { code, syscall } = error as { code?: string; syscall?: string };
    if (code !== 'ENOEXEC' || syscall !== 'execve') throw error;
    // The shell runs a script without an interpreter line: execvp(3).
    const argv = ['/bin/sh', options.path, ...options.argv.slice(1)];
    return launchProgram({ ...options, path: '/bin/sh', argv });
  }
}

function launchProgram(options: ProgramOptions): Program {
  const [scriptPipe, statusPipe, goPipe] = [pipe(attempt), pipe(attempt), pipe(attempt)];
  /** Fds of this process that are still open. */
  const parentFds = [
    scriptPipe.read,
    scriptPipe.write,
    statusPipe.read,
    statusPipe.write,
    goPipe.read,
    goPipe.write,
  ];
  try {
    const childFds = findUnusedFds();
    const { openFds } = options.inherited;
    const inheritedFds = openFds.filter((fd) => fd !== scriptFd);
    const syscalls = launchSyscalls(options, childFds);
    const script = encodeScript(syscalls, childFds.statusFd);
    // Blocked until just before `execve`, so that a signal kills the program rather than the launcher.
    const previousMask = setSignalMask(allSignals);
    const pid = posixSpawn(
      launcherPath(process.arch),
      [
        // The standard streams are always open here; the launcher closes those that were not inherited.
        ...[...new Set([0, 1, 2, ...inheritedFds])].map((fd) => [fd, fd] as const),
        ...(openFds.includes(scriptFd) ? [[childFds.savedFd3, scriptFd] as const] : []),
        [scriptFd, scriptPipe.read],
        [childFds.statusFd, statusPipe.write],
        [childFds.goFd, goPipe.read],
      ],
      attempt,
    );
    setSignalMask(previousMask);
    for (const fd of [scriptPipe.read, statusPipe.write, goPipe.read]) close(fd);
    parentFds.splice(0, parentFds.length, scriptPipe.write, statusPipe.read, goPipe.write);
    writeAll(scriptPipe.write, script);
    close(scriptPipe.write);
    parentFds.shift();

    const status = readChunk(statusPipe.read);
    if (status.length === 1) {
      const listenerFd = acquireListenerFd(pid);
      writeSync(goPipe.write, Uint8Array.of(0));
      const failure = decodeFailure(readToEnd(statusPipe.read), syscalls, 'a signal');
      if (failure === undefined) return { pid, listenerFd };
      close(listenerFd);
      throw failure;
    }
    throw decodeFailure(status, syscalls, 'a signal')!;
  } finally {
    for (const fd of parentFds) close(fd);
  }
}

/** Returns fds that neither this process nor the program uses: the lowest, since RLIMIT_NOFILE applies. */
function findUnusedFds(): LauncherFds {
  const usedFds = new Set([scriptFd, ...readdirSync('/proc/self/fd').map(Number)]);
  const candidates = Array.from({ length: usedFds.size + 3 }, (_, fd) => fd);
  const [statusFd, goFd, savedFd3] = candidates.filter((fd) => !usedFds.has(fd)) as [number, number, number];
  return { statusFd, goFd, savedFd3 };
}

/** Copies the notify fd from the launcher. */
function acquireListenerFd(pid: number): number {
  const fdDirectory = `/proc/${pid}/fd`;
  const isListener = (name: string) => readlinkSync(`${fdDirectory}/${name}`) === 'anon_inode:seccomp notify';
  const fd = readdirSync(fdDirectory).find(isListener);
  if (fd === undefined) {
    throw new TrampfdError('Cannot find the notify fd: the launcher has none', {
      code: 'ERR_TRAMPFD_LAUNCHER',
    });
  }
  return pidfdGetfd(pid, Number(fd), 'copy the notify fd from the launcher');
}

/** Reads what one write put into a pipe: a byte, or the record of a failure. Empty at EOF. */
function readChunk(fd: number): Uint8Array {
  const bytes = new Uint8Array(32);
  return bytes.subarray(0, readSync(fd, bytes));
}

function readToEnd(fd: number): Uint8Array {
  const bytes: number[] = [];
  for (let chunk = readChunk(fd); chunk.length > 0; chunk = readChunk(fd)) bytes.push(...chunk);
  return Uint8Array.from(bytes);
}
