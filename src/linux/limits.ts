/** Limits of this process. @see getrlimit(2) */
import { readFileSync } from 'node:fs';
import { libc } from './libc.js';
import { addressOfBytes } from './memory.js';

/** <asm-generic/resource.h> */
export const RLIMIT_NOFILE = 7;

/** Lets this process have as many descriptors as it may: a process without privileges up to its hard limit. */
export function raiseOpenFiles(): void {
  const { getrlimit, setrlimit } = libc();
  const limits = new BigUint64Array(2); // struct rlimit64: soft, hard
  const at = addressOfBytes(limits);
  if (getrlimit(RLIMIT_NOFILE, at) !== 0) return;
  const hard = limits[1]!;
  const most = BigInt(readFileSync('/proc/sys/fs/nr_open', 'latin1').trim());
  for (const wanted of [most > hard ? most : hard, hard]) {
    limits.fill(wanted);
    if (setrlimit(RLIMIT_NOFILE, at) === 0) return;
  }
}
