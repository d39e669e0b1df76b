/**
 * Tells signals to the whole process group, which reach the program without our help, from those to the supervisor
 * alone, which have to be passed on. The kernel tells no one. So a process of the same group blocks all signals: those
 * for the group are pending there.
 *
 * The kernel goes through a group from its newest member on (`attach_pid`), so they are there before the
 * supervisor, which is older, has its own.
 *
 * **Limitation**: a signal that is pending comes once, however often it was sent. If it goes to the group a second time
 * before the supervisor has looked, the second one is taken for its own, and the program gets it once more.
 */
import { kill } from '../linux/children.js';
import { pendingSignals } from '../linux/proc.js';
import { SIGCONT, SIGKILL, signalBit, stopSignals } from '../linux/signal.js';
import { startSleeper } from './sleeper.js';

export class Witness {
  #pid = startSleeper();
  /** Signals to the group whose like has not arrived here yet, a bit each. */
  #open = 0n;

  /** Which of these signals, that have arrived here since the last time, went to the group. */
  groupSignals(arrived: ReadonlySet<number>): ReadonlySet<number> {
    let pending = pendingSignals(this.#pid);
    if (pending !== 0n) {
      // They stay pending for ever, so the next time another has to be asked. There is always one.
      const former = this.#pid;
      this.#pid = startSleeper();
      pending |= pendingSignals(former);
      kill(former, SIGKILL);
    }
    const sent = pending | this.#open | takenBack(pending);
    const found = new Set([...arrived].filter((signal) => (sent & signalBit(signal)) !== 0n));
    this.#open = pending | this.#open;
    for (const signal of found) this.#open &= ~signalBit(signal);
    return found;
  }
}

const stops = stopSignals.reduce((all, signal) => all | signalBit(signal), 0n);

/** What the witness shows no more since the other has come: SIGCONT and the signals that stop take each other back. */
function takenBack(pending: bigint): bigint {
  const continues = signalBit(SIGCONT);
  return ((pending & continues) === 0n ? 0n : stops) | ((pending & stops) === 0n ? 0n : continues);
}
