/** Waiting for fds to become readable. @see poll(2) */
import { libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';

// <poll.h>
export const POLLIN = 1;

/** `struct pollfd`, offsets in bytes. Checked against C by a test. */
export const POLLFD = { size: 8, fd: 0, events: 4, revents: 6 } as const;

/** A fixed set of fds to poll, for a loop that waits for the same set every time. */
export class Poll {
  /** `struct pollfd[]` */
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

  /** Removes an fd, by its index; the other indexes do not change. */
  remove(index: number): void {
    this.#pollfds.setInt32(index * POLLFD.size + POLLFD.fd, -1, true);
  }

  /** Waits for events. @param timeout in ms; -1 for no timeout */
  wait(timeout: number): void {
    if (libc().poll(this.#pollfdsAddress, this.#count, timeout) >= 0) return;
    // Interrupted by a signal: `poll` leaves the previous events.
    for (let index = 0; index < this.#count; index++) {
      this.#pollfds.setInt16(index * POLLFD.size + POLLFD.revents, 0, true);
    }
  }

  /** Returns the events of the fd at an index, as the last wait found them. */
  revents(index: number): number {
    return this.#pollfds.getInt16(index * POLLFD.size + POLLFD.revents, true);
  }
}
