/** Memory and mappings of a process. Other runtimes import this file, too. */
import { readFileSync } from 'node:fs';

export interface Usage {
  /** Bytes of resident memory, counted once per mapping (RSS). */
  readonly resident: number;
  /** Bytes of memory in proportion to its users; a page that this process maps twice counts once (PSS). */
  readonly pss: number;
  readonly mappings: number;
}

export function usage(): Usage {
  const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8');
  const bytes = (name: string): number =>
    1024 * Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(rollup)?.[1]);
  const maps = readFileSync('/proc/self/maps', 'utf8');
  return { resident: bytes('Rss'), pss: bytes('Pss'), mappings: maps.split('\n').length - 1 };
}

/** The differences of two measurements: bytes of each of `count`, mappings of all. */
export function usagePer(count: number, before: Usage, after: Usage): Usage {
  return {
    resident: (after.resident - before.resident) / count,
    pss: (after.pss - before.pss) / count,
    mappings: after.mappings - before.mappings,
  };
}
