/** A spinlock in native memory, for the threads of this process. */
import { errnoName } from './errno.js';
import { errno, libc } from './libc.js';

/**
 * Runs `criticalSection` while holding a lock: a 32-bit word with the holder's tid, or 0 if it is free. It is held for
 * microseconds, so other threads spin. A lock held by a terminated Worker is stolen. Workers are terminated at call
 * boundaries, so do not call functions between stores that belong together.
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

/** Signal 0 is not delivered; the call only checks that the thread exists. @see tgkill(2) */
function threadHasExited(tid: number): boolean {
  return libc().tgkill(process.pid, tid, 0) !== 0 && errnoName(errno()) === 'ESRCH';
}
