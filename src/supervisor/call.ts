/** A system call of a supervised program, while it is answered. */
import { Refusal } from '../abi/refusal.js';
import { errnoName } from '../linux/errno.js';
import type { Listener, Notification } from '../linux/notifications.js';
import { readProcess, writeProcess } from '../linux/process-memory.js';

/** The caller is gone; there is nobody to answer. */
export class Gone extends Error {}

/** What was read last; more than any call reads. New memory would cost more than the reading. */
const scratch = new Uint8Array(4096);

export class Call {
  readonly id: bigint;
  readonly tid: number;
  readonly number: number;
  readonly args: readonly bigint[];
  readonly #listener: Listener;

  constructor({ id, tid, number, args }: Notification, listener: Listener) {
    this.id = id;
    this.tid = tid;
    this.number = number;
    this.args = [args[0]!, args[1]!, args[2]!, args[3]!, args[4]!, args[5]!];
    this.#listener = listener;
  }

  /** An argument of C's type `int`. */
  int(index: number): number {
    return Number(BigInt.asIntN(32, this.args[index]!));
  }

  /** An argument of C's type `unsigned int`. */
  unsigned(index: number): number {
    return Number(BigInt.asUintN(32, this.args[index]!));
  }

  /** Memory of the program, as it stands until the next is read. @throws Refusal `EFAULT` */
  read(address: bigint, length: number): Uint8Array {
    const bytes = scratch.subarray(0, length);
    this.#check(readProcess(this.tid, address, bytes), `${length} bytes at 0x${address.toString(16)}`);
    // Before anything that was read is believed: was it the caller's?
    this.stillThere();
    return bytes;
  }

  /** Writes to memory of the program. @throws Refusal `EFAULT` */
  write(address: bigint, bytes: Uint8Array): void {
    this.stillThere();
    this.#check(writeProcess(this.tid, address, bytes), `${bytes.length} bytes at 0x${address.toString(16)}`);
  }

  /** @throws Gone */
  stillThere(): void {
    if (!this.#listener.isValid(this.id)) throw new Gone();
  }

  #check(error: number, what: string): void {
    if (error === 0) return;
    const code = errnoName(error);
    if (code === 'EFAULT') throw new Refusal('EFAULT', `${what} cannot be reached`);
    if (code === 'ESRCH') throw new Gone();
    throw new Refusal('EPERM', `the supervisor may not reach the program's memory (${code})`);
  }
}

/** How a call ends. */
export type Outcome =
  | { readonly kind: 'value'; readonly value: bigint }
  /** The caller gets a copy of a descriptor. */
  | { readonly kind: 'descriptor'; readonly fd: number; given(number: number): void }
  /** The kernel makes the call, which was meant for us or not. */
  | { readonly kind: 'continue'; readonly ours: boolean }
  /** Somebody else has to do something first. */
  | { readonly kind: 'later' };
