/** The files that targets must lie in. */
import { closeSync, constants, openSync } from 'node:fs';
import { MAP_PRIVATE, mmap, munmap, PROT_READ, pageSize } from '../../linux/mm/memory.js';
import { MappingQuery } from '../../linux/process/procmap-query.js';
import { fromNodeError } from '../../native/errno.js';

/**
 * Opens a library that a policy names, before the program begins: afterwards another file may stand in its place.
 * It stays open for good, so that no other file gets its inode.
 * @returns how it shows in the mappings of processes; `stat` tells other numbers on some file systems
 */
export function openPolicyLibrary(path: string): string {
  let fd: number;
  try {
    // Without waiting for whoever may write to a pipe.
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
