/** Event counters, with which a thread wakes another one that polls. @see eventfd(2) */
import { systemError } from '../../native/errno.js';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';
import { O_CLOEXEC } from '../constants.js';

/** `int eventfd(0, O_CLOEXEC)`: creates a counter. */
export function eventfd(attempt: string): number {
  const fd = libc().eventfd(0, O_CLOEXEC);
  if (fd < 0) throw systemError(attempt, { syscall: 'eventfd2', errno: errno() });
  return fd;
}

const eventfdIncrement = BigUint64Array.of(1n);
const eventfdValue = new BigUint64Array(1);

/** Increments the counter, which makes the fd readable. */
export function wakeEventfd(fd: number): void {
  libc().write(fd, addressOfBytes(eventfdIncrement), eventfdIncrement.byteLength);
}

/** Resets the counter to 0. */
export function drainEventfd(fd: number): void {
  libc().read(fd, addressOfBytes(eventfdValue), eventfdValue.byteLength);
}
