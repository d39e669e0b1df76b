/** What a process does with signals. */
import { constants } from 'node:os';
import { systemError } from '../../native/errno.js';
import { hostMachine } from '../../native/host.js';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../mm/memory.js';

export const { SIGCHLD, SIGCONT, SIGKILL, SIGSEGV, SIGSTOP } = constants.signals;
const { SIGTSTP, SIGTTIN, SIGTTOU } = constants.signals;
/** Signals that stop a process and that a program can catch; the kernel always sends them to a group. */
export const stopSignals: readonly number[] = [SIGTSTP, SIGTTIN, SIGTTOU];

/** The last of the real-time signals. */
export const SIGRTMAX = 64;

/** A signal's place in a set of signals. */
export const sigmask = (signal: number): bigint => 1n << BigInt(signal - 1);

export const SA_SIGINFO = 4;
export const SA_ONSTACK = 0x08000000;
export const SA_NODEFER = 0x40000000;
export const SA_RESTART = 0x10000000;
/** The default action, and ignoring, in place of a handler. */
export const SIG_DFL = 0n;
export const SIG_IGN = 1n;

const SA_RESTORER = 0x04000000;

/** `struct sigaction` of the kernel: handler, flags, restorer, 64 signals. Checked against C by a test. */
export const KERNEL_SIGACTION = { handler: 0, flags: 8, restorer: 16, mask: 24, size: 32 } as const;

export interface SignalAction {
  /** An address; 0 for the default, 1 for ignoring. */
  readonly handler: bigint;
  /** The first 64 signals that are blocked meanwhile, a bit each. */
  readonly mask: bigint;
  readonly flags: number;
  /** Where the handler returns to. */
  readonly restorer: bigint;
}

/**
 * `int rt_sigaction(int signum, const struct sigaction *act, struct sigaction *oldact, size_t sigsetsize)`: set
 * what is done with a signal, or only ask. The C library's function would not let us bring a restorer.
 * @returns what was done before. @see sigaction(2)
 */
export function sigaction(signal: number, action?: SignalAction): SignalAction {
  const newAction = new DataView(new ArrayBuffer(KERNEL_SIGACTION.size));
  if (action !== undefined) {
    newAction.setBigUint64(KERNEL_SIGACTION.handler, action.handler, true);
    newAction.setBigUint64(KERNEL_SIGACTION.flags, BigInt(action.flags | SA_RESTORER), true);
    newAction.setBigUint64(KERNEL_SIGACTION.restorer, action.restorer, true);
    newAction.setBigUint64(KERNEL_SIGACTION.mask, action.mask, true);
  }
  const oldAction = new DataView(new ArrayBuffer(KERNEL_SIGACTION.size));
  const newActionAddress = action === undefined ? 0n : addressOfBytes(newAction);
  const { rt_sigaction } = hostMachine().linux.systemCalls;
  const oldActionArguments = ['long', addressOfBytes(oldAction), 'long', 8n] as const;
  if (
    libc().syscall(rt_sigaction, 'long', BigInt(signal), 'long', newActionAddress, ...oldActionArguments) !==
    0
  ) {
    throw systemError('set a signal handler', { syscall: 'rt_sigaction', errno: errno() });
  }
  return {
    handler: oldAction.getBigUint64(KERNEL_SIGACTION.handler, true),
    mask: oldAction.getBigUint64(KERNEL_SIGACTION.mask, true),
    flags: Number(oldAction.getBigUint64(KERNEL_SIGACTION.flags, true)),
    restorer: oldAction.getBigUint64(KERNEL_SIGACTION.restorer, true),
  };
}

const SIG_SETMASK = 2;
/** Every signal, a bit each. */
export const allSignals = 2n ** 64n - 1n;

/**
 * `int rt_sigprocmask(SIG_SETMASK, const sigset_t *set, sigset_t *oldset, size_t sigsetsize)`: sets which of the
 * 64 signals this thread blocks, a bit each. @returns which it did. @see sigprocmask(2)
 */
export function setSignalMask(mask: bigint): bigint {
  const [newMask, oldMask] = [BigUint64Array.of(mask), new BigUint64Array(1)];
  const { rt_sigprocmask } = hostMachine().linux.systemCalls;
  const oldMaskArguments = ['long', addressOfBytes(oldMask), 'long', 8n] as const;
  libc().syscall(
    rt_sigprocmask,
    'long',
    BigInt(SIG_SETMASK),
    'long',
    addressOfBytes(newMask),
    ...oldMaskArguments,
  );
  return oldMask[0]!;
}
