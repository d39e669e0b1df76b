/** What a process does with signals. */
import { systemError } from './errno.js';
import { errno, libc } from './libc.js';
import { addressOfBytes } from './memory.js';

export const SIGSEGV = 11;
export const SA_SIGINFO = 4;
export const SA_ONSTACK = 0x08000000;
export const SA_NODEFER = 0x40000000;

/** `struct sigaction` of the C library: handler, a set of 1024 signals, flags, restorer. Checked by a test. */
const sigactionLength = 152;
const maskAt = 8;
const flagsAt = 136;

export interface SignalAction {
  /** An address; 0 for the default, 1 for ignoring. */
  readonly handler: bigint;
  /** The first 64 signals that are blocked meanwhile, a bit each. */
  readonly mask: bigint;
  readonly flags: number;
}

/**
 * `int sigaction(int signum, const struct sigaction *act, struct sigaction *oldact)`: set what is done with a
 * signal, or only ask. @returns what was done before. @see sigaction(2)
 */
export function sigaction(signal: number, action?: SignalAction): SignalAction {
  const given = new DataView(new ArrayBuffer(sigactionLength));
  if (action !== undefined) {
    given.setBigUint64(0, action.handler, true);
    given.setBigUint64(maskAt, action.mask, true);
    given.setInt32(flagsAt, action.flags, true);
  }
  const old = new DataView(new ArrayBuffer(sigactionLength));
  const next = action === undefined ? 0n : addressOfBytes(given);
  if (libc().sigaction(signal, next, addressOfBytes(old)) !== 0) {
    throw systemError('set a signal handler', { syscall: 'rt_sigaction', errno: errno() });
  }
  return {
    handler: old.getBigUint64(0, true),
    mask: old.getBigUint64(maskAt, true),
    flags: old.getInt32(flagsAt, true),
  };
}
