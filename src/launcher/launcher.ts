/**
 * Starts programs by way of the launcher: a static executable without libraries that the build generates. It
 * makes a list of system calls that we prepare, the last of which is `execve`. Node cannot do this itself: it
 * has threads, and the kernel refuses them a user namespace; and what it would change in itself to hand on,
 * it would have to live with.
 *
 * The launcher reads the list from descriptor 3, closes it, and makes one call after the other. At the first
 * that fails it writes which one and its errno to the report, usually descriptor 4, and exits with 125. The call
 * before the last writes a byte there; without it, and without an error, the launcher has been killed. The report
 * closes with a successful `execve`.
 *
 *     list   u64 pointers, u64 calls, u64 descriptor of the report; places of pointers;
 *            calls of 7 words each: number, arguments; data
 *            A pointer is an offset in the list, and the launcher adds where the list is.
 */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { TrampfdError } from '../core/errors.js';
import { F_SETFD, FD_CLOEXEC } from '../linux/fs/fds.js';
import { spawn } from '../linux/process/spawn.js';
import type { SystemCallName } from '../machine/index.js';
import { fromNodeError, systemError } from '../native/errno.js';
import { hostMachine } from '../native/host.js';

/** An argument: a word, or something to point to. */
export type SyscallArgument =
  | number
  | bigint
  | string
  | Uint8Array
  | { readonly words: readonly SyscallArgument[] };

export interface SyscallRequest {
  /** The call's kernel name, for the error. */
  readonly name: SystemCallName;
  readonly number: number;
  readonly arguments: readonly SyscallArgument[];
  /** What it is for, to stand behind "Cannot". */
  readonly attempt: string;
}

/** Adds a call to a list. */
export type PushSyscall = (name: SystemCallName, attempt: string, ...args: SyscallArgument[]) => void;

/** Descriptors of the launcher beside the standard ones; the list may name another for the report. */
export const scriptFd = 3;
const defaultStatusFd = 4;

/** Words before the places of pointers. */
const headerWords = 3;

/** What the launcher exits with when a call failed. */
export const launcherFailureStatus = 125;

/**
 * Bytes that a list can have; the launcher keeps this much room. Linux takes arguments and environment of up to
 * 6 MiB, and a short one needs 24 bytes here.
 */
export const maxScriptBytes = 2 ** 24;

/** Where the package keeps the launcher for an architecture. */
export function launcherPath(architecture: string): string {
  return fileURLToPath(new URL(`../native/launch-${architecture}`, import.meta.url));
}

/** The list as the launcher reads it. */
export function encodeScript(syscalls: readonly SyscallRequest[], statusFd = defaultStatusFd): Uint8Array {
  const syscallWords: (bigint | { readonly offset: number })[] = [];
  const data: Uint8Array[] = [];
  let dataLength = 0;
  const store = (bytes: Uint8Array): { offset: number } => {
    const offset = dataLength;
    const padded = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
    padded.set(bytes);
    data.push(padded);
    dataLength += padded.length;
    return { offset };
  };
  // Places, in the data, of words that point into the data.
  const nestedPointers: { readonly position: number; readonly target: number }[] = [];
  const encodeArgument = (argument: SyscallArgument): bigint | { readonly offset: number } => {
    if (typeof argument === 'number' || typeof argument === 'bigint')
      return BigInt.asUintN(64, BigInt(argument));
    if (typeof argument === 'string') return store(new TextEncoder().encode(`${argument}\0`));
    if (argument instanceof Uint8Array) return store(argument);
    const members = argument.words.map(encodeArgument);
    const array = store(
      new Uint8Array(BigUint64Array.from(members, (m) => (typeof m === 'bigint' ? m : 0n)).buffer),
    );
    for (const [index, member] of members.entries()) {
      if (typeof member !== 'bigint')
        nestedPointers.push({ position: array.offset + 8 * index, target: member.offset });
    }
    return array;
  };
  for (const { number, arguments: args } of syscalls) {
    syscallWords.push(
      BigInt(number),
      ...args.map(encodeArgument),
      ...Array<bigint>(6 - args.length).fill(0n),
    );
  }

  const pointers = syscallWords.filter((value) => typeof value !== 'bigint').length + nestedPointers.length;
  const syscallsOffset = 8 * (headerWords + pointers);
  const dataOffset = syscallsOffset + 8 * syscallWords.length;
  const bytes = new Uint8Array(dataOffset + dataLength);
  if (bytes.length > maxScriptBytes) {
    throw new TrampfdError(
      `Cannot launch: arguments and environment take more than ${maxScriptBytes} bytes`,
      {
        code: 'E2BIG',
      },
    );
  }
  const scriptWords = new BigUint64Array(bytes.buffer);
  scriptWords.set([BigInt(pointers), BigInt(syscalls.length), BigInt(statusFd)]);
  let offset = dataOffset;
  for (const part of data) {
    bytes.set(part, offset);
    offset += part.length;
  }
  let nextPointer = headerWords;
  const writePointer = (position: number, target: number) => {
    scriptWords[nextPointer++] = BigInt(position);
    scriptWords[position / 8] = BigInt(dataOffset + target);
  };
  for (const [index, value] of syscallWords.entries()) {
    if (typeof value === 'bigint') scriptWords[syscallsOffset / 8 + index] = value;
    else writePointer(syscallsOffset + 8 * index, value.offset);
  }
  for (const { position, target: to } of nestedPointers) writePointer(dataOffset + position, to);
  return bytes;
}

export interface LaunchedProgram {
  readonly process: ChildProcess;
  /** Settles when the program runs; rejects with what the launcher could not do. */
  readonly started: Promise<void>;
}

export interface LaunchOptions extends Pick<SpawnOptions, 'stdio'> {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Calls to make before the program runs. */
  readonly setupSyscalls?: readonly SyscallRequest[];
}

const CLONE_NEWUSER = 0x10000000;

/** Starts a program, given by its path, when some system calls have been made for it. */
export function launch(path: string, args: readonly string[], options: LaunchOptions = {}): LaunchedProgram {
  const { cwd = process.cwd(), env = process.env, setupSyscalls = [], stdio = 'inherit' } = options;
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${value}`,
  );
  return runLauncher(
    execSyscalls({ path, argv: [path, ...args], env: variables, cwd, setupSyscalls }),
    stdio,
  );
}

/** A program to execute. Arguments and environment are strings, or bytes that end with 0. */
export interface ExecSpec {
  readonly path: string;
  readonly argv: readonly (string | Uint8Array)[];
  readonly env: readonly (string | Uint8Array)[];
  /** The folder to enter; nothing to stay. */
  readonly cwd: string | undefined;
  /** Calls to make before. */
  readonly setupSyscalls: readonly SyscallRequest[];
  /** Calls to make when everything else is done, and was reported. */
  readonly finalSyscalls?: readonly SyscallRequest[];
}

/** The calls by which a program comes to run; with a byte to the report before the last. */
export function execSyscalls(
  { path, argv, env, cwd, setupSyscalls, finalSyscalls = [] }: ExecSpec,
  statusFd = defaultStatusFd,
): SyscallRequest[] {
  const { systemCalls } = hostMachine().linux;
  // Behind a remount the old folder would still be open, as it was.
  const chdirTo = (directory: string): SyscallRequest => ({
    name: 'chdir',
    number: systemCalls.chdir,
    arguments: [resolve(directory)],
    attempt: `enter ${directory}`,
  });
  return [
    {
      name: 'fcntl',
      number: systemCalls.fcntl,
      arguments: [statusFd, F_SETFD, FD_CLOEXEC],
      attempt: 'prepare the report',
    },
    ...setupSyscalls,
    ...(cwd === undefined ? [] : [chdirTo(cwd)]),
    reportReady(statusFd),
    ...finalSyscalls,
    {
      name: 'execve',
      number: systemCalls.execve,
      arguments: [path, { words: [...argv, 0] }, { words: [...env, 0] }],
      attempt: `run ${path}`,
    },
  ];
}

function reportReady(statusFd = defaultStatusFd): SyscallRequest {
  return {
    name: 'write',
    number: hostMachine().linux.systemCalls.write,
    arguments: [statusFd, Uint8Array.of(0), 1],
    attempt: 'report',
  };
}

/** Whether this kernel lets this user enter a user namespace: tried by a process that ends at once. */
export async function canEnterUserNamespace(): Promise<boolean> {
  const { systemCalls } = hostMachine().linux;
  const syscalls: SyscallRequest[] = [
    {
      name: 'unshare',
      number: systemCalls.unshare,
      arguments: [CLONE_NEWUSER],
      attempt: 'enter a user namespace',
    },
    reportReady(),
    { name: 'exit_group', number: systemCalls.exit_group, arguments: [0], attempt: 'exit' },
  ];
  return runLauncher(syscalls, 'ignore').started.then(
    () => true,
    () => false,
  );
}

function runLauncher(syscalls: readonly SyscallRequest[], stdio: SpawnOptions['stdio']): LaunchedProgram {
  const script = encodeScript(syscalls);
  const standardStreams = Array.isArray(stdio) ? stdio.slice(0, 3) : [stdio, stdio, stdio];
  const child = spawn(launcherPath(process.arch), [], {
    env: {},
    stdio: [...standardStreams, 'pipe', 'pipe'],
  });
  // Without descriptors to spare there are none of these, and `error` tells.
  const scriptPipe = child.stdio?.[scriptFd] as Writable | undefined;
  const statusPipe = child.stdio?.[defaultStatusFd] as Readable | undefined;
  const started = new Promise<void>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const exitDescription = new Promise<string>((settle) => {
      child.on('exit', (status, signal) => settle(signal ?? `exit code ${status}`));
    });
    scriptPipe?.on('error', () => {}); // the launcher is gone, and its report tells why
    child.on('error', (error) => reject(fromNodeError('start the launcher', error)));
    statusPipe?.on('data', (chunk: Buffer) => chunks.push(chunk));
    statusPipe?.on('end', async () => {
      const statusBytes = Buffer.concat(chunks);
      const error = decodeFailure(
        statusBytes,
        syscalls,
        statusBytes.length === 0 ? await exitDescription : '',
      );
      if (error === undefined) resolve();
      else reject(error);
    });
  });
  scriptPipe?.end(script);
  return { process: child, started };
}

/**
 * What the launcher reported, when the report has ended: nothing if the program runs.
 * @param exitDescription how the launcher ended, if it reported nothing
 */
export function decodeFailure(
  statusBytes: Uint8Array,
  syscalls: readonly SyscallRequest[],
  exitDescription: string,
): TrampfdError | undefined {
  if (statusBytes.length === 1) return undefined;
  if (statusBytes.length < 16) {
    const message = `Cannot launch: the launcher ended with ${exitDescription}`;
    return new TrampfdError(message, { code: 'ERR_LAUNCHER' });
  }
  const record = Buffer.from(statusBytes.subarray(-16));
  const { name, attempt } = syscalls[Number(record.readBigUInt64LE(0))]!;
  return systemError(attempt, { syscall: name, errno: Number(record.readBigUInt64LE(8)) });
}
