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

import { kill } from '../../linux/process/kill.js';
import { pendingSignals } from '../../linux/process/proc-status.js';
import { SIGCONT, SIGKILL, sigmask, stopSignals } from '../../linux/process/signal.js';
import { spawnIdleProcess } from './idle-process.js';

export class GroupSignalDetector {
  #idlePid = spawnIdleProcess();
  /** Signals to the group whose like has not arrived here yet, a bit each. */
  #unmatched = 0n;

  /** Which of these signals, that have arrived here since the last time, went to the group. */
  groupSignals(received: ReadonlySet<number>): ReadonlySet<number> {
    let pending = pendingSignals(this.#idlePid);
    if (pending !== 0n) {
      // They stay pending for ever, so the next time another has to be asked. There is always one.
      const previousPid = this.#idlePid;
      this.#idlePid = spawnIdleProcess();
      pending |= pendingSignals(previousPid);
      kill(previousPid, SIGKILL);
    }
    const groupMask = pending | this.#unmatched | cancelledByStopOrCont(pending);
    const matched = new Set([...received].filter((signal) => (groupMask & sigmask(signal)) !== 0n));
    this.#unmatched = pending | this.#unmatched;
    for (const signal of matched) this.#unmatched &= ~sigmask(signal);
    return matched;
  }
}

const stopMask = stopSignals.reduce((all, signal) => all | sigmask(signal), 0n);

/** What the witness shows no more since the other has come: SIGCONT and the signals that stop take each other back. */
function cancelledByStopOrCont(pending: bigint): bigint {
  const contMask = sigmask(SIGCONT);
  return ((pending & contMask) === 0n ? 0n : stopMask) | ((pending & stopMask) === 0n ? 0n : contMask);
}
