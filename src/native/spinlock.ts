/** A lock in native memory, between the threads of this process. */
import { errnoName } from './errno.js';
import { errno, libc } from './libc.js';

/**
 * Runs with a lock held, a 32-bit word that is 0 when nobody holds it and else the holder's thread. It is held for
 * microseconds, so others spin. A Worker that was terminated meanwhile leaves it behind, and it is taken back:
 * termination strikes at calls, so let none stand between the stores that belong together.
 */
export function withLock<Result>(words: Int32Array, index: number, criticalSection: () => Result): Result {
  const tid = libc().gettid();
  for (;;) {
    const holder = Atomics.compareExchange(words, index, 0, tid);
    if (holder === 0) break;
    if (threadHasExited(holder)) Atomics.compareExchange(words, index, holder, 0);
  }
  try {
    return criticalSection();
  } finally {
    Atomics.store(words, index, 0);
  }
}

/** Signal 0 goes to nobody; only whether there is such a thread is told. @see tgkill(2) */
function threadHasExited(tid: number): boolean {
  return libc().tgkill(process.pid, tid, 0) !== 0 && errnoName(errno()) === 'ESRCH';
}
