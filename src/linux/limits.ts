/** Limits of this process. @see getrlimit(2) */
import { readFileSync } from 'node:fs';
import { libc } from './libc.js';
import { addressOfBytes } from './memory.js';

// <asm-generic/resource.h>
export const RLIMIT_FSIZE = 1;
export const RLIMIT_NOFILE = 7;

const unlimited = 2n ** 64n - 1n;
const limits = new BigUint64Array(2); // struct rlimit64: soft, hard

export interface Limit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** Lets this process have as many descriptors as it may: a process without privileges up to its hard limit. */
export function raiseOpenFiles(): void {
  raise(RLIMIT_NOFILE, BigInt(readFileSync('/proc/sys/fs/nr_open', 'latin1').trim()));
}

/** Lets this process have files as long as it may. @returns what it might have until now */
export function raiseFileSize(): Limit {
  return raise(RLIMIT_FSIZE, unlimited);
}

function raise(limit: number, most: bigint): Limit {
  const { getrlimit, setrlimit } = libc();
  const at = addressOfBytes(limits);
  getrlimit(limit, at);
  const [soft, hard] = [limits[0]!, limits[1]!];
  for (const wanted of [most > hard ? most : hard, hard]) {
    limits.fill(wanted);
    if (setrlimit(limit, at) === 0) break;
  }
  return { soft, hard };
}
