/** File descriptors that Node does not track. */
import { systemError } from '../../native/errno.js';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';
import { O_CLOEXEC, O_RDWR } from '../constants.js';

// <fcntl.h>
export const F_SETFD = 2;
export const FD_CLOEXEC = 1;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const O_NONBLOCK = 0o4000;

/** `int close(int fd)`. In a Worker, Node's function warns about fds that it did not open. @see close(2) */
export function close(fd: number): void {
  libc().close(fd);
}

/** `int open(const char *path, int flags)`, close-on-exec. @see open(2) */
export function open(path: string, flags: number, attempt: string): number {
  const fd = libc().open(path, flags | O_CLOEXEC, 0);
  if (fd < 0) throw systemError(attempt, { syscall: 'open', errno: errno() });
  return fd;
}

/** Sets close-on-exec. @see FD_CLOEXEC(2const) */
export function setCloexec(fd: number): void {
  libc().fcntl(fd, F_SETFD, 'int', FD_CLOEXEC);
}

/** Redirects stdin or stdout to `/dev/null`. All lower fds must be open. @see null(4) */
export function redirectToDevNull(fd: 0 | 1): void {
  close(fd);
  // Returns the lowest free fd.
  open('/dev/null', O_RDWR, 'redirect a standard stream to /dev/null');
}

/** `int pipe2(int fds[2], O_CLOEXEC)`. @see pipe(2) */
export function pipe(attempt: string): { read: number; write: number } {
  const fds = new Int32Array(2);
  if (libc().pipe2(addressOfBytes(fds), O_CLOEXEC) !== 0) {
    throw systemError(attempt, { syscall: 'pipe2', errno: errno() });
  }
  return { read: fds[0]!, write: fds[1]! };
}

/**
 * Enlarges a pipe to 1 MiB, the default limit for unprivileged users, and makes writes to a full pipe fail.
 * @see F_SETPIPE_SZ(2const)
 */
export function growPipeNonblocking(writeFd: number): void {
  libc().fcntl(writeFd, F_SETPIPE_SZ, 'int', 2 ** 20);
  libc().fcntl(writeFd, F_SETFL, 'int', O_NONBLOCK);
}

/**
 * `int ftruncate(int fd, off_t length)`: sets the length of a file in bytes; added bytes are zero. @see ftruncate(2)
 */
export function ftruncate(fd: number, length: bigint, attempt: string): void {
  if (libc().ftruncate(fd, length) !== 0) {
    throw systemError(attempt, { syscall: 'ftruncate', errno: errno() });
  }
}
