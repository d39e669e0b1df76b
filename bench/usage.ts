/** What a process takes of the machine. Other runtimes load this file, too. */
import { readFileSync } from 'node:fs';

export interface Usage {
  /** Bytes of memory that this process holds, shared or not, once for each mapping (RSS). */
  readonly resident: number;
  /** Bytes that are its own: a page that it maps twice counts once (PSS). */
  readonly own: number;
  readonly mappings: number;
}

export function usage(): Usage {
  const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8');
  const bytes = (name: string): number =>
    1024 * Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(rollup)?.[1]);
  const maps = readFileSync('/proc/self/maps', 'utf8');
  return { resident: bytes('Rss'), own: bytes('Pss'), mappings: maps.split('\n').length - 1 };
}
