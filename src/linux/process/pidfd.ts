/** File descriptors of other processes. @see pidfd_open(2), pidfd_getfd(2) */
import { systemError } from '../../native/errno.js';
import { errno, libc } from '../../native/libc.js';

// The same numbers on all architectures.
const __NR_pidfd_open = 434;
const __NR_pidfd_getfd = 438;

/** Duplicates an fd of another process, close-on-exec. */
export function pidfdGetfd(pid: number, fd: number, attempt: string): number {
  const pidfd = pidfdSyscall('pidfd_open', __NR_pidfd_open, [pid, 0, 0], attempt);
  try {
    return pidfdSyscall('pidfd_getfd', __NR_pidfd_getfd, [pidfd, fd, 0], attempt);
  } finally {
    libc().close(pidfd);
  }
}

function pidfdSyscall(
  syscall: string,
  number: number,
  [first, second, third]: readonly [number, number, number],
  attempt: string,
): number {
  const args = ['long', BigInt(first), 'long', BigInt(second), 'long', BigInt(third)] as const;
  const result = Number(libc().syscall(number, ...args));
  if (result < 0) throw systemError(attempt, { syscall, errno: errno() });
  return result;
}
