/**
 * Distinguishes signals sent to the whole process group, which the program receives itself, from signals sent only to
 * the supervisor, which must forward them. `siginfo` does not carry that information. So an idle process in the same
 * group blocks all signals: a group signal is pending there.
 *
 * The kernel sends a group signal to the newest member first (`attach_pid`), so it is pending in the idle process
 * before the older supervisor receives it.
 *
 * **Limitation**: a signal is pending once, however often it was sent. If it is sent to the group again before the
 * supervisor has looked, the second one is treated as sent to the supervisor, and the program receives it twice.
 */

import { kill } from '../../linux/process/kill.js';
import { pendingSignals } from '../../linux/process/proc-status.js';
import { SIGCONT, SIGKILL, sigmask, stopSignals } from '../../linux/process/signal.js';
import { spawnIdleProcess } from './idle-process.js';

export class GroupSignalDetector {
  #idlePid = spawnIdleProcess();
  /** Bit mask of group signals that the supervisor has not received yet. */
  #unmatched = 0n;

  /** Returns which of the signals received since the previous call were sent to the group. */
  groupSignals(received: ReadonlySet<number>): ReadonlySet<number> {
    let pending = pendingSignals(this.#idlePid);
    if (pending !== 0n) {
      // They stay pending, so the process is replaced. The group always has one.
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

/** Signals that the kernel has removed from the pending set: a stop signal cancels a pending SIGCONT and vice versa. */
function cancelledByStopOrCont(pending: bigint): bigint {
  const contMask = sigmask(SIGCONT);
  return ((pending & contMask) === 0n ? 0n : stopMask) | ((pending & stopMask) === 0n ? 0n : contMask);
}
