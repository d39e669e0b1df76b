/** What `/proc` says of a process. @see proc(5) */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { constants } from 'node:os';
import { fromNodeError, systemError } from '../../native/errno.js';
import { isMapped } from '../mm/memory.js';

export interface ThreadStatus {
  /** The process that it belongs to. */
  readonly pid: number;
  /** The thread that traces it, 0 for none. */
  readonly tracerPid: number;
  /** Whether it runs no more, and only waits to be taken note of. */
  readonly isZombie: boolean;
}

/** What state a thread is in; nothing when it is gone. */
export function threadStatus(tid: number): ThreadStatus | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${tid}/status`, 'latin1');
  } catch {
    return undefined;
  }
  const numberField = (field: string) => Number(new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(text)?.[1]);
  return {
    pid: numberField('Tgid'),
    tracerPid: numberField('TracerPid'),
    isZombie: /^State:\s*[ZX]/m.test(text),
  };
}

/** The signals to a process that wait until it takes them, a bit each; none when it is gone. */
export function pendingSignals(pid: number): bigint {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1');
    return BigInt(`0x${/^ShdPnd:\s*(\w+)/m.exec(text)?.[1] ?? 0}`);
  } catch {
    return 0n;
  }
}

/** Whether a process is stopped, by a signal or by who traces it. */
export function isStopped(pid: number): boolean {
  try {
    return /^State:\s*[Tt]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

/** The threads of a process; none when it is gone. */
export function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** One line of `/proc/PID/maps`. */
export interface Mapping {
  readonly start: bigint;
  /** The first address behind it. */
  readonly end: bigint;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly shared: boolean;
  readonly path: string;
  /** The line itself. */
  readonly text: string;
}

/** The mappings of a process, by ascending address. */
export function mappings(pid: number | 'self' = 'self'): Mapping[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n').flatMap(parseMapping);
}

function parseMapping(text: string): Mapping[] {
  const match = /^([0-9a-f]+)-([0-9a-f]+) ([r-])([w-])([x-])([sp]) \S+ \S+ \S+ *(.*)$/.exec(text);
  if (match === null) return [];
  const [, start, end, r, w, x, sharing, path] = match;
  return [
    {
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${end}`),
      readable: r === 'r',
      writable: w === 'w',
      executable: x === 'x',
      shared: sharing === 's',
      path: path ?? '',
      text,
    },
  ];
}

/** The mapping that an address lies in. */
export function mappingOf(address: bigint, all: readonly Mapping[] = mappings()): Mapping | undefined {
  return all.find(({ start, end }) => start <= address && address < end);
}

let executableMappings: readonly Mapping[] = [];

/**
 * Whether an address lies in executable memory. Mappings are read anew when the last reading does not say so; code
 * that was replaced by data since then goes unnoticed.
 */
export function isExecutable(address: bigint): boolean {
  if (mappingOf(address, executableMappings) !== undefined && isMapped(address, 1)) return true;
  executableMappings = mappings().filter((mapping) => mapping.executable);
  return mappingOf(address, executableMappings) !== undefined;
}

/**
 * Up to `length` bytes of a process's memory, without risk: an address that is not mapped is an error, not a
 * crash. Shorter when the mapping ends before. @see proc_pid_mem(5)
 */
export function readMemory(address: bigint, length: number, pid: number | 'self' = 'self'): Uint8Array {
  const attempt = `read memory at 0x${address.toString(16)}`;
  // The upper half of the address space belongs to the kernel, and no file offset reaches it.
  if (address >= 2n ** 63n) throw systemError(attempt, { syscall: 'read', errno: constants.errno.EIO });
  let fd: number | undefined;
  try {
    fd = openSync(`/proc/${pid}/mem`, 'r');
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, address));
  } catch (error) {
    throw fromNodeError(attempt, error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
