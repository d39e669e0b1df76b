/** A system call of a supervised program that waits for the supervisor's reply. */

import { SyscallError } from '../../abi/syscall-error.js';
import { hex } from '../../core/bits.js';
import { processVmReadv, processVmWritev } from '../../linux/mm/process-vm.js';
import type { Notification, NotifyListener } from '../../linux/seccomp/seccomp-notify.js';
import { errnoName } from '../../native/errno.js';

/** Thrown if the caller exited or was killed: no reply is possible. */
export class CallerExited extends Error {}

/** Reused by all reads, since allocating would cost more than reading. Larger than any read. */
const readBuffer = new Uint8Array(4096);

export class Syscall {
  readonly id: bigint;
  readonly tid: number;
  readonly number: number;
  readonly args: readonly bigint[];
  readonly #listener: NotifyListener;

  constructor({ id, tid, number, args }: Notification, listener: NotifyListener) {
    this.id = id;
    this.tid = tid;
    this.number = number;
    this.args = [args[0]!, args[1]!, args[2]!, args[3]!, args[4]!, args[5]!];
    this.#listener = listener;
  }

  /** Returns an argument as a C `int`. */
  intArg(index: number): number {
    return Number(BigInt.asIntN(32, this.args[index]!));
  }

  /** Returns an argument as a C `unsigned int`. */
  uintArg(index: number): number {
    return Number(BigInt.asUintN(32, this.args[index]!));
  }

  /** Reads memory of the program. The result is valid until the next read. @throws SyscallError `EFAULT` */
  readMemory(address: bigint, length: number): Uint8Array {
    const bytes = readBuffer.subarray(0, length);
    this.#assertNoError(processVmReadv(this.tid, address, bytes), `${length} bytes at ${hex(address)}`);
    // The process ID may have been reused: only now is it certain that the caller's memory was read.
    this.assertPending();
    return bytes;
  }

  /** Writes memory of the program. @throws SyscallError `EFAULT` */
  writeMemory(address: bigint, bytes: Uint8Array): void {
    this.assertPending();
    this.#assertNoError(
      processVmWritev(this.tid, address, bytes),
      `${bytes.length} bytes at ${hex(address)}`,
    );
  }

  /** @throws CallerExited unless the caller still waits for the reply */
  assertPending(): void {
    if (!this.#listener.isValid(this.id)) throw new CallerExited();
  }

  #assertNoError(errno: number, description: string): void {
    if (errno === 0) return;
    const code = errnoName(errno);
    if (code === 'EFAULT') throw new SyscallError('EFAULT', `${description} are not accessible`);
    if (code === 'ESRCH') throw new CallerExited();
    throw new SyscallError('EPERM', `the supervisor may not access the program's memory (${code})`);
  }
}

/** The result of handling a call. */
export type Outcome =
  | { readonly kind: 'value'; readonly value: bigint }
  /** Returns a copy of an fd to the caller. */
  | { readonly kind: 'fd'; readonly fd: number; onDelivered(remoteFd: number): void }
  /** Lets the kernel execute the call. `isTrampfd` is false for calls that have nothing to do with an object. */
  | { readonly kind: 'continue'; readonly isTrampfd: boolean }
  /** The call is handled again once the tracer has attached. */
  | { readonly kind: 'deferred' };
