/** Whether anybody else still uses a file: the kernel gives a write lease only to the last one. @see fcntl(2), "Leases" */
import { libc } from '../../native/libc.js';

// <fcntl.h>
const F_SETLEASE = 1024;
const F_WRLCK = 1;
const F_UNLCK = 2;

/**
 * Whether no other descriptor and no mapping of a file is left, in any process or on the way to one.
 * @param fd the only own one, open for reading and writing; not what `memfd_create` returned, which is not counted
 */
export function hasNoOtherUsers(fd: number): boolean {
  const { fcntl } = libc();
  if (fcntl(fd, F_SETLEASE, 'int', F_WRLCK) !== 0) return false;
  // Held, it would make others wait who open the file.
  fcntl(fd, F_SETLEASE, 'int', F_UNLCK);
  return true;
}
