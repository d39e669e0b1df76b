/** Write leases, which the kernel grants only on the last open fd of a file. @see fcntl(2), "Leases" */
import { libc } from '../../native/libc.js';

// <fcntl.h>
const F_SETLEASE = 1024;
const F_WRLCK = 1;
const F_UNLCK = 2;

/**
 * Whether no other fd and no mapping of a file exists in any process, or in a message that is not yet received.
 * @param fd this process's only fd of the file, open for reading and writing. It must not be the one that
 *   `memfd_create` returned, which the kernel does not count.
 */
export function hasNoOtherUsers(fd: number): boolean {
  const { fcntl } = libc();
  if (fcntl(fd, F_SETLEASE, 'int', F_WRLCK) !== 0) return false;
  // Release at once: a held lease blocks open() in other processes.
  fcntl(fd, F_SETLEASE, 'int', F_UNLCK);
  return true;
}
