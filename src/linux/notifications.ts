/**
 * System calls of other processes, answered here: the listener of a filter. @see seccomp_unotify(2)
 *
 * One `Listener` serves one thread. Numbers of notifications exceed 2^53 and are never used twice.
 */
import { constants } from 'node:os';
import { systemError } from './errno.js';
import { thisMachine } from './host.js';
import { errno, libc } from './libc.js';
import { addressOfBytes } from './memory.js';

const { ENOENT, EINTR } = constants.errno;

// <linux/seccomp.h>. The sizes in the numbers of the requests are those of the structures below.
export const SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100;
export const SECCOMP_IOCTL_NOTIF_SEND = 0xc0182101;
export const SECCOMP_IOCTL_NOTIF_ID_VALID = 0x40082102;
export const SECCOMP_IOCTL_NOTIF_ADDFD = 0x40182103;
export const SECCOMP_IOCTL_NOTIF_SET_FLAGS = 0x40082104;
const SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1;
const SECCOMP_ADDFD_FLAG_SEND = 2;
const SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP = 1n;
export const SECCOMP_GET_NOTIF_SIZES = 3;
const O_CLOEXEC = 0o2000000;

/** `struct seccomp_notif`, `seccomp_notif_resp` and `seccomp_notif_addfd`, in bytes. Checked against C by a test. */
export const notification = { size: 80, id: 0, pid: 8, number: 16, args: 32 } as const;
export const answer = { size: 24, id: 0, value: 8, error: 16, flags: 20 } as const;
export const addition = { size: 24, id: 0, flags: 8, source: 12, target: 16, targetFlags: 20 } as const;

/** A system call that waits for its answer. Its fields hold until the next is received. */
export interface Notification {
  readonly id: bigint;
  /** The thread that made the call. */
  readonly tid: number;
  readonly number: number;
  readonly args: BigUint64Array;
}

export class Listener {
  readonly fd: number;
  readonly #received: DataView;
  readonly #receivedBytes: Uint8Array;
  readonly #receivedAt: bigint;
  readonly #args: BigUint64Array;
  readonly #request = new DataView(new ArrayBuffer(answer.size));
  readonly #requestAt = addressOfBytes(this.#request);

  /** @param fd what `seccomp` with `SECCOMP_FILTER_FLAG_NEW_LISTENER` returned */
  constructor(fd: number) {
    this.fd = fd;
    const bytes = new ArrayBuffer(notificationSize());
    this.#received = new DataView(bytes);
    this.#receivedBytes = new Uint8Array(bytes);
    this.#receivedAt = addressOfBytes(bytes);
    this.#args = new BigUint64Array(bytes, notification.args, 6);
    // Linux 6.6: who waits for the answer may run on this very processor.
    libc().ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
  }

  /** The next call; nothing when the one that was announced is gone. */
  receive(): Notification | undefined {
    this.#receivedBytes.fill(0); // the kernel insists
    if (libc().ioctl(this.fd, SECCOMP_IOCTL_NOTIF_RECV, this.#receivedAt) !== 0) {
      const error = errno();
      if (error === ENOENT || error === EINTR) return undefined;
      throw systemError('receive a system call', { syscall: 'ioctl', errno: error });
    }
    const view = this.#received;
    return {
      id: view.getBigUint64(notification.id, true),
      tid: view.getUint32(notification.pid, true),
      number: view.getInt32(notification.number, true),
      args: this.#args,
    };
  }

  /** Whether a call still waits. If not, its thread is gone, and its number may be another's. */
  isValid(id: bigint): boolean {
    this.#request.setBigUint64(0, id, true);
    return libc().ioctl(this.fd, SECCOMP_IOCTL_NOTIF_ID_VALID, this.#requestAt) === 0;
  }

  /** Answers with a result, or an error number. @returns whether anybody was there to hear it */
  answer(id: bigint, { value = 0n, error = 0 }: { value?: bigint; error?: number }): boolean {
    return this.#send(id, { value, error, flags: 0 });
  }

  /** Lets the kernel make the call as if nobody had been asked. */
  continue(id: bigint): boolean {
    return this.#send(id, { value: 0n, error: 0, flags: SECCOMP_USER_NOTIF_FLAG_CONTINUE });
  }

  /**
   * Gives the caller a copy of a descriptor, close-on-exec, and answers with its number, in one step.
   * @returns the number, or the error number as a negative one
   */
  answerWithDescriptor(id: bigint, fd: number): number {
    const request = this.#request;
    request.setBigUint64(addition.id, id, true);
    request.setUint32(addition.flags, SECCOMP_ADDFD_FLAG_SEND, true);
    request.setUint32(addition.source, fd, true);
    request.setUint32(addition.target, 0, true);
    request.setUint32(addition.targetFlags, O_CLOEXEC, true);
    const given = libc().ioctl(this.fd, SECCOMP_IOCTL_NOTIF_ADDFD, this.#requestAt);
    return given >= 0 ? given : -errno();
  }

  #send(id: bigint, { value, error, flags }: { value: bigint; error: number; flags: number }): boolean {
    const request = this.#request;
    request.setBigUint64(answer.id, id, true);
    request.setBigInt64(answer.value, value, true);
    request.setInt32(answer.error, -error, true);
    request.setUint32(answer.flags, flags, true);
    return libc().ioctl(this.fd, SECCOMP_IOCTL_NOTIF_SEND, this.#requestAt) === 0;
  }
}

/** Bytes that this kernel fills in; never fewer than we read. */
function notificationSize(): number {
  const sizes = new Uint16Array(3); // struct seccomp_notif_sizes
  const at = addressOfBytes(sizes);
  const { seccomp } = thisMachine().systemCalls;
  libc().syscall(seccomp, 'long', BigInt(SECCOMP_GET_NOTIF_SIZES), 'long', 0n, 'long', at);
  return Math.max(sizes[0]!, notification.size);
}
