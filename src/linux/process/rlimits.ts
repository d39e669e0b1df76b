/** Limits of this process. @see getrlimit(2) */
import { readFileSync } from 'node:fs';
import { libc } from '../../native/libc.js';
import { addressOfBytes } from '../mm/memory.js';

// <asm-generic/resource.h>
export const RLIMIT_FSIZE = 1;
export const RLIMIT_NOFILE = 7;

const RLIM_INFINITY = 2n ** 64n - 1n;
const rlimit = new BigUint64Array(2); // struct rlimit64: soft, hard

export interface Rlimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** Lets this process have as many descriptors as it may: a process without privileges up to its hard limit. */
export function raiseNofile(): void {
  raiseRlimit(RLIMIT_NOFILE, BigInt(readFileSync('/proc/sys/fs/nr_open', 'latin1').trim()));
}

/** Lets this process have files as long as it may. @returns what it might have until now */
export function raiseFsize(): Rlimit {
  return raiseRlimit(RLIMIT_FSIZE, RLIM_INFINITY);
}

function raiseRlimit(resource: number, maximum: bigint): Rlimit {
  const { getrlimit, setrlimit } = libc();
  const rlimitAddress = addressOfBytes(rlimit);
  getrlimit(resource, rlimitAddress);
  const [soft, hard] = [rlimit[0]!, rlimit[1]!];
  for (const value of [maximum > hard ? maximum : hard, hard]) {
    rlimit.fill(value);
    if (setrlimit(resource, rlimitAddress) === 0) break;
  }
  return { soft, hard };
}
