/** Libraries of a policy: the files that targets must be in. */
import { closeSync, constants, openSync } from 'node:fs';
import { MAP_PRIVATE, mmap, munmap, PROT_READ, pageSize } from '../../linux/mm/memory.js';
import { MappingQuery } from '../../linux/process/procmap-query.js';
import { fromNodeError } from '../../native/errno.js';

/**
 * Opens a library of a policy before the program starts: later, another file may be at the same path. It is never
 * closed, so that its inode is not reused.
 * @returns the file's key in the mappings of processes; `stat` returns other numbers on some file systems
 */
export function openPolicyLibrary(path: string): string {
  let fd: number;
  try {
    // Opening a pipe must not wait for a writer.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw fromNodeError(`apply the policy: ${path}`, error);
  }
  const length = pageSize();
  const attempt = `apply the policy: map ${path}`;
  let address: bigint;
  try {
    address = mmap({ length, prot: PROT_READ, flags: MAP_PRIVATE, fd }, attempt);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const query = new MappingQuery(process.pid);
  try {
    return query.mappingAt(address)!.file;
  } finally {
    query.close();
    munmap(address, length);
  }
}
