/** Limits of this process. @see getrlimit(2) */
import { readFileSync } from 'node:fs';
import { libc } from './libc.js';
import { addressOfBytes } from './memory.js';

// <asm-generic/resource.h>
const RLIMIT_FSIZE = 1;
export const RLIMIT_NOFILE = 7;

const unlimited = 2n ** 64n - 1n;
const limits = new BigUint64Array(2); // struct rlimit64: soft, hard

/** Lets this process have as many descriptors as it may: a process without privileges up to its hard limit. */
export function raiseOpenFiles(): void {
  raise(RLIMIT_NOFILE, BigInt(readFileSync('/proc/sys/fs/nr_open', 'latin1').trim()));
}

/** Lets this process have files as long as it may. */
export function raiseFileSize(): void {
  raise(RLIMIT_FSIZE, unlimited);
}

function raise(limit: number, most: bigint): void {
  const { getrlimit, setrlimit } = libc();
  const at = addressOfBytes(limits);
  if (getrlimit(limit, at) !== 0) return;
  const hard = limits[1]!;
  for (const wanted of [most > hard ? most : hard, hard]) {
    limits.fill(wanted);
    if (setrlimit(limit, at) === 0) return;
  }
}
