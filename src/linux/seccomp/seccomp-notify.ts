/**
 * Seccomp user notification: handles system calls of other processes. @see seccomp_unotify(2)
 *
 * A `NotifyListener` must be used by one thread only. Notification ids exceed 2^53 and are never reused.
 */
import { constants } from 'node:os';
import { systemError } from '../../native/errno.js';
import { hostMachine } from '../../native/host.js';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';
import { O_CLOEXEC } from '../constants.js';

const { ENOENT, EINTR } = constants.errno;

// <linux/seccomp.h>. The request numbers include the sizes of the structures below.
const SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100;
const SECCOMP_IOCTL_NOTIF_SEND = 0xc0182101;
const SECCOMP_IOCTL_NOTIF_ID_VALID = 0x40082102;
const SECCOMP_IOCTL_NOTIF_ADDFD = 0x40182103;
const SECCOMP_IOCTL_NOTIF_SET_FLAGS = 0x40082104;
const SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1;
const SECCOMP_ADDFD_FLAG_SEND = 2;
const SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP = 1n;
export const SECCOMP_GET_NOTIF_SIZES = 3;

// Offsets in `struct seccomp_notif`, `seccomp_notif_resp` and `seccomp_notif_addfd`, in bytes. Checked against C by a
// test.
export const SECCOMP_NOTIF = { size: 80, id: 0, pid: 8, number: 16, args: 32 } as const;
export const SECCOMP_NOTIF_RESP = { size: 24, id: 0, value: 8, error: 16, flags: 20 } as const;
export const SECCOMP_NOTIF_ADDFD = {
  size: 24,
  id: 0,
  flags: 8,
  srcFd: 12,
  newFd: 16,
  newFdFlags: 20,
} as const;

/** A system call that waits for a reply. Its `args` are valid until the next `receive`. */
export interface Notification {
  readonly id: bigint;
  /** The thread that made the call. */
  readonly tid: number;
  readonly number: number;
  readonly args: BigUint64Array;
}

export class NotifyListener {
  readonly fd: number;
  readonly #notification: DataView;
  readonly #notificationBytes: Uint8Array;
  readonly #notificationAddress: bigint;
  readonly #args: BigUint64Array;
  readonly #ioctlArgument = new DataView(new ArrayBuffer(SECCOMP_NOTIF_RESP.size));
  readonly #ioctlArgumentAddress = addressOfBytes(this.#ioctlArgument);

  /** @param fd the result of `seccomp` with `SECCOMP_FILTER_FLAG_NEW_LISTENER` */
  constructor(fd: number) {
    this.fd = fd;
    const bytes = new ArrayBuffer(notificationSize());
    this.#notification = new DataView(bytes);
    this.#notificationBytes = new Uint8Array(bytes);
    this.#notificationAddress = addressOfBytes(bytes);
    this.#args = new BigUint64Array(bytes, SECCOMP_NOTIF.args, 6);
    // Linux 6.6: wakes the caller on this CPU.
    libc().ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
  }

  /** Receives the next system call; `undefined` if its thread was interrupted or killed before. */
  receive(): Notification | undefined {
    this.#notificationBytes.fill(0); // required by the kernel
    if (libc().ioctl(this.fd, SECCOMP_IOCTL_NOTIF_RECV, this.#notificationAddress) !== 0) {
      const error = errno();
      if (error === ENOENT || error === EINTR) return undefined;
      throw systemError('receive a system call', { syscall: 'ioctl', errno: error });
    }
    const view = this.#notification;
    return {
      id: view.getBigUint64(SECCOMP_NOTIF.id, true),
      tid: view.getUint32(SECCOMP_NOTIF.pid, true),
      number: view.getInt32(SECCOMP_NOTIF.number, true),
      args: this.#args,
    };
  }

  /** Whether a system call still waits. If not, its thread may have exited, and its tid may be reused. */
  isValid(id: bigint): boolean {
    this.#ioctlArgument.setBigUint64(0, id, true);
    return libc().ioctl(this.fd, SECCOMP_IOCTL_NOTIF_ID_VALID, this.#ioctlArgumentAddress) === 0;
  }

  /** Replies with a result, or an error number. @returns whether the caller was still waiting */
  reply(id: bigint, { value = 0n, error = 0 }: { value?: bigint; error?: number }): boolean {
    return this.#send(id, { value, error, flags: 0 });
  }

  /** Lets the kernel execute the system call. @returns whether the caller was still waiting */
  continue(id: bigint): boolean {
    return this.#send(id, { value: 0n, error: 0, flags: SECCOMP_USER_NOTIF_FLAG_CONTINUE });
  }

  /**
   * Duplicates an fd into the caller, close-on-exec, and replies with it, atomically (`SECCOMP_ADDFD_FLAG_SEND`).
   * @returns the caller's fd, or the negated error number
   */
  addFdAndSend(id: bigint, fd: number): number {
    const argument = this.#ioctlArgument;
    argument.setBigUint64(SECCOMP_NOTIF_ADDFD.id, id, true);
    argument.setUint32(SECCOMP_NOTIF_ADDFD.flags, SECCOMP_ADDFD_FLAG_SEND, true);
    argument.setUint32(SECCOMP_NOTIF_ADDFD.srcFd, fd, true);
    argument.setUint32(SECCOMP_NOTIF_ADDFD.newFd, 0, true);
    argument.setUint32(SECCOMP_NOTIF_ADDFD.newFdFlags, O_CLOEXEC, true);
    const newFd = libc().ioctl(this.fd, SECCOMP_IOCTL_NOTIF_ADDFD, this.#ioctlArgumentAddress);
    return newFd >= 0 ? newFd : -errno();
  }

  #send(id: bigint, { value, error, flags }: { value: bigint; error: number; flags: number }): boolean {
    const argument = this.#ioctlArgument;
    argument.setBigUint64(SECCOMP_NOTIF_RESP.id, id, true);
    argument.setBigInt64(SECCOMP_NOTIF_RESP.value, value, true);
    argument.setInt32(SECCOMP_NOTIF_RESP.error, -error, true);
    argument.setUint32(SECCOMP_NOTIF_RESP.flags, flags, true);
    return libc().ioctl(this.fd, SECCOMP_IOCTL_NOTIF_SEND, this.#ioctlArgumentAddress) === 0;
  }
}

/** Returns the size in bytes of the kernel's `struct seccomp_notif`, or of ours if that is larger. */
function notificationSize(): number {
  const sizes = new Uint16Array(3); // struct seccomp_notif_sizes
  const sizesAddress = addressOfBytes(sizes);
  const { seccomp } = hostMachine().linux.systemCalls;
  libc().syscall(seccomp, 'long', BigInt(SECCOMP_GET_NOTIF_SIZES), 'long', 0n, 'long', sizesAddress);
  return Math.max(sizes[0]!, SECCOMP_NOTIF.size);
}
