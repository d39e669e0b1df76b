/** A system call of a supervised program, while it is answered. */
import { SyscallError } from '../../abi/syscall-error.js';
import { processVmReadv, processVmWritev } from '../../linux/mm/process-vm.js';
import type { Notification, NotifyListener } from '../../linux/seccomp/seccomp-notify.js';
import { errnoName } from '../../native/errno.js';

/** The caller is gone; there is nobody to answer. */
export class CallerExited extends Error {}

/** What was read last; more than any call reads. New memory would cost more than the reading. */
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

  /** An argument of C's type `int`. */
  intArg(index: number): number {
    return Number(BigInt.asIntN(32, this.args[index]!));
  }

  /** An argument of C's type `unsigned int`. */
  uintArg(index: number): number {
    return Number(BigInt.asUintN(32, this.args[index]!));
  }

  /** Memory of the program, as it stands until the next is read. @throws Refusal `EFAULT` */
  readMemory(address: bigint, length: number): Uint8Array {
    const bytes = readBuffer.subarray(0, length);
    this.#assertNoError(
      processVmReadv(this.tid, address, bytes),
      `${length} bytes at 0x${address.toString(16)}`,
    );
    // Before anything that was read is believed: was it the caller's?
    this.assertPending();
    return bytes;
  }

  /** Writes to memory of the program. @throws Refusal `EFAULT` */
  writeMemory(address: bigint, bytes: Uint8Array): void {
    this.assertPending();
    this.#assertNoError(
      processVmWritev(this.tid, address, bytes),
      `${bytes.length} bytes at 0x${address.toString(16)}`,
    );
  }

  /** @throws Gone */
  assertPending(): void {
    if (!this.#listener.isValid(this.id)) throw new CallerExited();
  }

  #assertNoError(errno: number, description: string): void {
    if (errno === 0) return;
    const code = errnoName(errno);
    if (code === 'EFAULT') throw new SyscallError('EFAULT', `${description} cannot be reached`);
    if (code === 'ESRCH') throw new CallerExited();
    throw new SyscallError('EPERM', `the supervisor may not reach the program's memory (${code})`);
  }
}

/** How a call ends. */
export type Outcome =
  | { readonly kind: 'value'; readonly value: bigint }
  /** The caller gets a copy of a descriptor. */
  | { readonly kind: 'descriptor'; readonly fd: number; onDelivered(remoteFd: number): void }
  /** The kernel makes the call, which was meant for us or not. */
  | { readonly kind: 'continue'; readonly isTrampfd: boolean }
  /** Somebody else has to do something first. */
  | { readonly kind: 'later' };
