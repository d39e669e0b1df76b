/** Mappings of processes. @see proc_pid_maps(5) */
import { readFileSync } from 'node:fs';
import type { FileId } from '../fs/statx.js';
import { isMapped } from '../mm/memory.js';

/** A line of `/proc/PID/maps`, with the file that is mapped; for anonymous memory its inode is 0. */
export interface Mapping extends FileId {
  readonly start: bigint;
  /** The address after the last byte. */
  readonly end: bigint;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly shared: boolean;
  /** Offset in the file, in bytes. */
  readonly offset: bigint;
  readonly path: string;
  /** The line itself. */
  readonly text: string;
}

/** Returns the mappings of a process, by ascending address. */
export function mappings(pid: number | 'self' = 'self'): Mapping[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n').flatMap(parseMapping);
}

const mappingPattern =
  /^([0-9a-f]+)-([0-9a-f]+) ([r-])([w-])([x-])([sp]) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)$/;

function parseMapping(text: string): Mapping[] {
  const match = mappingPattern.exec(text);
  if (match === null) return [];
  const [, start, end, r, w, x, sharing, offset, major, minor, inode, path] = match;
  return [
    {
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${end}`),
      readable: r === 'r',
      writable: w === 'w',
      executable: x === 'x',
      shared: sharing === 's',
      offset: BigInt(`0x${offset}`),
      major: Number.parseInt(major!, 16),
      minor: Number.parseInt(minor!, 16),
      inode: BigInt(inode!),
      path: path!,
      text,
    },
  ];
}

/** Returns the mapping that contains an address. */
export function mappingOf(address: bigint, all: readonly Mapping[] = mappings()): Mapping | undefined {
  return all.find(({ start, end }) => start <= address && address < end);
}

let executableMappings: readonly Mapping[] = [];

/**
 * Whether an address is in executable memory. Reads the mappings again only if they did not contain the address before;
 * it does not notice if code has been replaced by data since then.
 */
export function isExecutable(address: bigint): boolean {
  if (mappingOf(address, executableMappings) !== undefined && isMapped(address, 1)) return true;
  executableMappings = mappings().filter((mapping) => mapping.executable);
  return mappingOf(address, executableMappings) !== undefined;
}
