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
import type { SystemCallName } from '../machine/index.js';
import { TrampfdError } from '../trampoline/errors.js';
import { F_SETFD, FD_CLOEXEC } from './descriptors.js';
import { fromNode, systemError } from './errno.js';
import { thisMachine } from './host.js';
import { spawn } from './spawn.js';

/** An argument: a word, or something to point to. */
export type Argument = number | bigint | string | Uint8Array | { readonly words: readonly Argument[] };

export interface LaunchCall {
  /** The call's kernel name, for the error. */
  readonly name: SystemCallName;
  readonly number: number;
  readonly arguments: readonly Argument[];
  /** What it is for, to stand behind "Cannot". */
  readonly attempt: string;
}

/** Adds a call to a list. */
export type AddCall = (name: SystemCallName, attempt: string, ...given: Argument[]) => void;

/** Descriptors of the launcher beside the standard ones; the list may name another for the report. */
export const listDescriptor = 3;
const usualReport = 4;

/** Words before the places of pointers. */
const headWords = 3;

/** What the launcher exits with when a call failed. */
export const launchFailed = 125;

/**
 * Bytes that a list can have; the launcher keeps this much room. Linux takes arguments and environment of up to
 * 6 MiB, and a short one needs 24 bytes here.
 */
export const longestList = 2 ** 24;

/** Where the package keeps the launcher for an architecture. */
export function launcherPath(architecture: string): string {
  return fileURLToPath(new URL(`../native/launch-${architecture}`, import.meta.url));
}

/** The list as the launcher reads it. */
export function encodeCalls(calls: readonly LaunchCall[], report = usualReport): Uint8Array {
  const words: (bigint | { readonly at: number })[] = [];
  const data: Uint8Array[] = [];
  let dataLength = 0;
  const store = (bytes: Uint8Array): { at: number } => {
    const at = dataLength;
    const padded = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
    padded.set(bytes);
    data.push(padded);
    dataLength += padded.length;
    return { at };
  };
  // Places, in the data, of words that point into the data.
  const inner: { readonly place: number; readonly at: number }[] = [];
  const word = (argument: Argument): bigint | { readonly at: number } => {
    if (typeof argument === 'number' || typeof argument === 'bigint')
      return BigInt.asUintN(64, BigInt(argument));
    if (typeof argument === 'string') return store(new TextEncoder().encode(`${argument}\0`));
    if (argument instanceof Uint8Array) return store(argument);
    const members = argument.words.map(word);
    const own = store(
      new Uint8Array(BigUint64Array.from(members, (m) => (typeof m === 'bigint' ? m : 0n)).buffer),
    );
    for (const [index, member] of members.entries()) {
      if (typeof member !== 'bigint') inner.push({ place: own.at + 8 * index, at: member.at });
    }
    return own;
  };
  for (const { number, arguments: given } of calls) {
    words.push(BigInt(number), ...given.map(word), ...Array<bigint>(6 - given.length).fill(0n));
  }

  const pointers = words.filter((value) => typeof value !== 'bigint').length + inner.length;
  const callsAt = 8 * (headWords + pointers);
  const dataAt = callsAt + 8 * words.length;
  const bytes = new Uint8Array(dataAt + dataLength);
  if (bytes.length > longestList) {
    throw new TrampfdError(`Cannot launch: arguments and environment take more than ${longestList} bytes`, {
      code: 'E2BIG',
    });
  }
  const list = new BigUint64Array(bytes.buffer);
  list.set([BigInt(pointers), BigInt(calls.length), BigInt(report)]);
  let at = dataAt;
  for (const part of data) {
    bytes.set(part, at);
    at += part.length;
  }
  let next = headWords;
  const point = (place: number, to: number) => {
    list[next++] = BigInt(place);
    list[place / 8] = BigInt(dataAt + to);
  };
  for (const [index, value] of words.entries()) {
    if (typeof value === 'bigint') list[callsAt / 8 + index] = value;
    else point(callsAt + 8 * index, value.at);
  }
  for (const { place, at: to } of inner) point(dataAt + place, to);
  return bytes;
}

export interface Launched {
  readonly process: ChildProcess;
  /** Settles when the program runs; rejects with what the launcher could not do. */
  readonly started: Promise<void>;
}

export interface LaunchOptions extends Pick<SpawnOptions, 'stdio'> {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Calls to make before the program runs. */
  readonly before?: readonly LaunchCall[];
}

const CLONE_NEWUSER = 0x10000000;

/** Starts a program, given by its path, when some system calls have been made for it. */
export function launch(path: string, args: readonly string[], options: LaunchOptions = {}): Launched {
  const { cwd = process.cwd(), env = process.env, before = [], stdio = 'inherit' } = options;
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${value}`,
  );
  return start(programCalls({ path, argv: [path, ...args], env: variables, cwd, before }), stdio);
}

/** A program to execute. Arguments and environment are strings, or bytes that end with 0. */
export interface Execution {
  readonly path: string;
  readonly argv: readonly (string | Uint8Array)[];
  readonly env: readonly (string | Uint8Array)[];
  /** The folder to enter; nothing to stay. */
  readonly cwd: string | undefined;
  /** Calls to make before. */
  readonly before: readonly LaunchCall[];
  /** Calls to make when everything else is done, and was reported. */
  readonly last?: readonly LaunchCall[];
}

/** The calls by which a program comes to run; with a byte to the report before the last. */
export function programCalls(
  { path, argv, env, cwd, before, last = [] }: Execution,
  report = usualReport,
): LaunchCall[] {
  const { systemCalls } = thisMachine();
  // Behind a remount the old folder would still be open, as it was.
  const enter = (folder: string): LaunchCall => ({
    name: 'chdir',
    number: systemCalls.chdir,
    arguments: [resolve(folder)],
    attempt: `enter ${folder}`,
  });
  return [
    {
      name: 'fcntl',
      number: systemCalls.fcntl,
      arguments: [report, F_SETFD, FD_CLOEXEC],
      attempt: 'prepare the report',
    },
    ...before,
    ...(cwd === undefined ? [] : [enter(cwd)]),
    ready(report),
    ...last,
    {
      name: 'execve',
      number: systemCalls.execve,
      arguments: [path, { words: [...argv, 0] }, { words: [...env, 0] }],
      attempt: `run ${path}`,
    },
  ];
}

function ready(report = usualReport): LaunchCall {
  return {
    name: 'write',
    number: thisMachine().systemCalls.write,
    arguments: [report, Uint8Array.of(0), 1],
    attempt: 'report',
  };
}

/** Whether this kernel lets this user enter a user namespace: tried by a process that ends at once. */
export async function canEnterUserNamespace(): Promise<boolean> {
  const { systemCalls } = thisMachine();
  const calls: LaunchCall[] = [
    {
      name: 'unshare',
      number: systemCalls.unshare,
      arguments: [CLONE_NEWUSER],
      attempt: 'enter a user namespace',
    },
    ready(),
    { name: 'exit_group', number: systemCalls.exit_group, arguments: [0], attempt: 'exit' },
  ];
  return start(calls, 'ignore').started.then(
    () => true,
    () => false,
  );
}

function start(calls: readonly LaunchCall[], stdio: SpawnOptions['stdio']): Launched {
  const list = encodeCalls(calls);
  const standard = Array.isArray(stdio) ? stdio.slice(0, 3) : [stdio, stdio, stdio];
  const child = spawn(launcherPath(process.arch), [], { env: {}, stdio: [...standard, 'pipe', 'pipe'] });
  // Without descriptors to spare there are none of these, and `error` tells.
  const input = child.stdio?.[listDescriptor] as Writable | undefined;
  const report = child.stdio?.[usualReport] as Readable | undefined;
  const started = new Promise<void>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const ended = new Promise<string>((settle) => {
      child.on('exit', (status, signal) => settle(signal ?? `exit code ${status}`));
    });
    input?.on('error', () => {}); // the launcher is gone, and its report tells why
    child.on('error', (error) => reject(fromNode('start the launcher', error)));
    report?.on('data', (chunk: Buffer) => chunks.push(chunk));
    report?.on('end', async () => {
      const bytes = Buffer.concat(chunks);
      const error = failureIn(bytes, calls, bytes.length === 0 ? await ended : '');
      if (error === undefined) resolve();
      else reject(error);
    });
  });
  input?.end(list);
  return { process: child, started };
}

/**
 * What the launcher reported, when the report has ended: nothing if the program runs.
 * @param ended how the launcher ended, if it reported nothing
 */
export function failureIn(
  report: Uint8Array,
  calls: readonly LaunchCall[],
  ended: string,
): TrampfdError | undefined {
  if (report.length === 1) return undefined;
  if (report.length < 16) {
    const message = `Cannot launch: the launcher ended with ${ended}`;
    return new TrampfdError(message, { code: 'ERR_LAUNCHER' });
  }
  const failure = Buffer.from(report.subarray(-16));
  const { name, attempt } = calls[Number(failure.readBigUInt64LE(0))]!;
  return systemError(attempt, { syscall: name, errno: Number(failure.readBigUInt64LE(8)) });
}
