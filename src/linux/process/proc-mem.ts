/** Memory of processes, read through `/proc`. @see proc_pid_mem(5) */
import { closeSync, openSync, readSync } from 'node:fs';
import { constants } from 'node:os';
import { hex } from '../../core/bits.js';
import { fromNodeError, systemError } from '../../native/errno.js';

/**
 * Reads up to `length` bytes of a process's memory; fewer if the mapping ends before. An unmapped address is an error,
 * not a crash.
 */
export function readMemory(address: bigint, length: number, pid: number | 'self' = 'self'): Uint8Array {
  const attempt = `read memory at ${hex(address)}`;
  // The upper half of the address space belongs to the kernel, and file offsets are below 2^63.
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
