/** Resource limits of this process. @see getrlimit(2) */
import { readFileSync } from 'node:fs';
import { libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';
import { RLIM_INFINITY } from '../constants.js';

// <asm-generic/resource.h>
export const RLIMIT_FSIZE = 1;
export const RLIMIT_NOFILE = 7;

const rlimit = new BigUint64Array(2); // struct rlimit64: soft, hard

export interface Rlimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** Raises the limit on fds to the system's maximum; without privileges to the hard limit. */
export function raiseNofile(): void {
  raiseRlimit(RLIMIT_NOFILE, BigInt(readFileSync('/proc/sys/fs/nr_open', 'latin1').trim()));
}

/**
 * Removes the limit on file sizes; without privileges raises it to the hard limit.
 * @returns the previous limit, in bytes
 */
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
