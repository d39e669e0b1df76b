/** Signal numbers, actions and masks. */
import { constants } from 'node:os';
import { systemError } from '../../native/errno.js';
import { hostMachine } from '../../native/host.js';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';
import { SIG_SETMASK } from '../constants.js';

export const { SIGCHLD, SIGCONT, SIGKILL, SIGSEGV, SIGSTOP } = constants.signals;
const { SIGTSTP, SIGTTIN, SIGTTOU } = constants.signals;
/** Stop signals that a program can catch. The kernel always sends them to a whole process group. */
export const stopSignals: readonly number[] = [SIGTSTP, SIGTTIN, SIGTTOU];

/** The highest signal number. */
export const SIGRTMAX = 64;

/** Returns the set that contains one signal: bit n - 1 stands for signal n. */
export const sigmask = (signal: number): bigint => 1n << BigInt(signal - 1);

export const SA_SIGINFO = 4;
export const SA_ONSTACK = 0x08000000;
export const SA_NODEFER = 0x40000000;
export const SA_RESTART = 0x10000000;
// In place of a handler's address.
export const SIG_DFL = 0n;
export const SIG_IGN = 1n;

const SA_RESTORER = 0x04000000;

/** `sizeof(sigset_t)` of the kernel, in bytes. */
const sigsetSize = 8;

/** `struct sigaction` of the kernel, offsets in bytes. Checked against C by a test. */
export const KERNEL_SIGACTION = { handler: 0, flags: 8, restorer: 16, mask: 24, size: 32 } as const;

/**
 * `siginfo_t`, offsets in bytes: `address` is for faults, `pid` for signals from processes. Checked against C by a
 * test.
 */
export const SIGINFO = { size: 128, signal: 0, code: 8, pid: 16, address: 16 } as const;

export interface SignalAction {
  /** An address, `SIG_DFL` or `SIG_IGN`. */
  readonly handler: bigint;
  /** Signals blocked while the handler runs, a bit each. */
  readonly mask: bigint;
  readonly flags: number;
  /** The address that the handler returns to. */
  readonly restorer: bigint;
}

/**
 * `int rt_sigaction(int signum, const struct sigaction *act, struct sigaction *oldact, size_t sigsetsize)`: sets the
 * action of a signal, or only reads it. The C library's function does not accept a restorer.
 * @returns the previous action. @see sigaction(2)
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
  const oldActionArguments = ['long', addressOfBytes(oldAction), 'long', BigInt(sigsetSize)] as const;
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

/** Every signal, a bit each. */
export const allSignals = 2n ** 64n - 1n;

/**
 * `int rt_sigprocmask(SIG_SETMASK, const sigset_t *set, sigset_t *oldset, size_t sigsetsize)`: sets the signals that
 * this thread blocks, a bit each. @returns the previous ones. @see sigprocmask(2)
 */
export function setSignalMask(mask: bigint): bigint {
  const [newMask, oldMask] = [BigUint64Array.of(mask), new BigUint64Array(1)];
  const { rt_sigprocmask } = hostMachine().linux.systemCalls;
  const oldMaskArguments = ['long', addressOfBytes(oldMask), 'long', BigInt(sigsetSize)] as const;
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
