/** Descriptors that Node keeps no account of: pipes, events, and waiting for any of them. */
import { systemError } from '../../native/errno.js';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../mm/memory.js';

// <fcntl.h>, <poll.h>
const O_CLOEXEC = 0o2000000;
const O_RDWR = 2;
export const F_SETFD = 2;
export const FD_CLOEXEC = 1;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const O_NONBLOCK = 0o4000;
export const POLLIN = 1;

/** `int close(int fd)`. Node's would keep account of it, and warn in a Worker. @see close(2) */
export function close(fd: number): void {
  libc().close(fd);
}

/** `int open(const char *path, int flags)`, close-on-exec. @see open(2) */
export function open(path: string, flags: number, attempt: string): number {
  const fd = libc().open(path, flags | O_CLOEXEC, 0);
  if (fd < 0) throw systemError(attempt, { syscall: 'open', errno: errno() });
  return fd;
}

/** Keeps a descriptor from all that is executed here. @see FD_CLOEXEC(2const) */
export function setCloexec(fd: number): void {
  libc().fcntl(fd, F_SETFD, 'int', FD_CLOEXEC);
}

/** Replaces standard input or output by nothing; whatever is below has to be open. @see null(4) */
export function redirectToDevNull(fd: 0 | 1): void {
  close(fd);
  // The lowest number that is free.
  open('/dev/null', O_RDWR, 'leave a standard stream');
}

/** `int pipe2(int fds[2], O_CLOEXEC)`. @see pipe(2) */
export function pipe(attempt: string): { read: number; write: number } {
  const fds = new Int32Array(2);
  if (libc().pipe2(addressOfBytes(fds), O_CLOEXEC) !== 0) {
    throw systemError(attempt, { syscall: 'pipe2', errno: errno() });
  }
  return { read: fds[0]!, write: fds[1]! };
}

/** Gives a pipe as much room as a user may have, and lets writes fail when that is full. @see F_SETPIPE_SZ(2const) */
export function growPipeNonblocking(writeFd: number): void {
  libc().fcntl(writeFd, F_SETPIPE_SZ, 'int', 2 ** 20);
  libc().fcntl(writeFd, F_SETFL, 'int', O_NONBLOCK);
}

/** `int eventfd(0, O_CLOEXEC)`: what one thread rings to wake another. @see eventfd(2) */
export function eventfd(attempt: string): number {
  const fd = libc().eventfd(0, O_CLOEXEC);
  if (fd < 0) throw systemError(attempt, { syscall: 'eventfd2', errno: errno() });
  return fd;
}

const eventfdIncrement = BigUint64Array.of(1n);
const eventfdValue = new BigUint64Array(1);

/** Wakes whoever polls an event. */
export function wakeEventfd(fd: number): void {
  libc().write(fd, addressOfBytes(eventfdIncrement), eventfdIncrement.byteLength);
}

/** Makes an event silent again. */
export function drainEventfd(fd: number): void {
  libc().read(fd, addressOfBytes(eventfdValue), eventfdValue.byteLength);
}

/** `struct pollfd`, in bytes. Checked against C by a test. */
export const POLLFD = { size: 8, fd: 0, events: 4, revents: 6 } as const;

/** Waits for descriptors to become readable. Made once for a loop, since every wait takes the same. @see poll(2) */
export class Poll {
  /** Of each descriptor: its number, the events that are asked for, and those that came. */
  readonly #pollfds: DataView;
  readonly #pollfdsAddress: bigint;
  readonly #count: number;

  constructor(fds: readonly number[]) {
    this.#count = fds.length;
    this.#pollfds = new DataView(new ArrayBuffer(fds.length * POLLFD.size));
    for (const [index, fd] of fds.entries()) {
      this.#pollfds.setInt32(index * POLLFD.size + POLLFD.fd, fd, true);
      this.#pollfds.setInt16(index * POLLFD.size + POLLFD.events, POLLIN, true);
    }
    this.#pollfdsAddress = addressOfBytes(this.#pollfds);
  }

  /** Waits for a descriptor no longer. */
  remove(index: number): void {
    this.#pollfds.setInt32(index * POLLFD.size + POLLFD.fd, -1, true);
  }

  /** @param timeout in milliseconds; -1 waits for ever */
  wait(timeout: number): void {
    if (libc().poll(this.#pollfdsAddress, this.#count, timeout) >= 0) return;
    // A signal came.
    for (let index = 0; index < this.#count; index++) {
      this.#pollfds.setInt16(index * POLLFD.size + POLLFD.revents, 0, true);
    }
  }

  /** What came for the descriptor at a place, as it stood after the last wait. */
  revents(index: number): number {
    return this.#pollfds.getInt16(index * POLLFD.size + POLLFD.revents, true);
  }
}
