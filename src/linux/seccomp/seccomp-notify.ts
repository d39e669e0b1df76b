/**
 * System calls of other processes, answered here: the listener of a filter. @see seccomp_unotify(2)
 *
 * One `Listener` serves one thread. Numbers of notifications exceed 2^53 and are never used twice.
 */
import { constants } from 'node:os';
import { systemError } from '../../native/errno.js';
import { hostMachine } from '../../native/host.js';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../mm/memory.js';

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

/** A system call that waits for its answer. Its fields hold until the next is received. */
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

  /** @param fd what `seccomp` with `SECCOMP_FILTER_FLAG_NEW_LISTENER` returned */
  constructor(fd: number) {
    this.fd = fd;
    const bytes = new ArrayBuffer(notificationSize());
    this.#notification = new DataView(bytes);
    this.#notificationBytes = new Uint8Array(bytes);
    this.#notificationAddress = addressOfBytes(bytes);
    this.#args = new BigUint64Array(bytes, SECCOMP_NOTIF.args, 6);
    // Linux 6.6: who waits for the answer may run on this very processor.
    libc().ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
  }

  /** The next call; nothing when the one that was announced is gone. */
  receive(): Notification | undefined {
    this.#notificationBytes.fill(0); // the kernel insists
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

  /** Whether a call still waits. If not, its thread is gone, and its number may be another's. */
  isValid(id: bigint): boolean {
    this.#ioctlArgument.setBigUint64(0, id, true);
    return libc().ioctl(this.fd, SECCOMP_IOCTL_NOTIF_ID_VALID, this.#ioctlArgumentAddress) === 0;
  }

  /** Answers with a result, or an error number. @returns whether anybody was there to hear it */
  reply(id: bigint, { value = 0n, error = 0 }: { value?: bigint; error?: number }): boolean {
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

/** Bytes that this kernel fills in; never fewer than we read. */
function notificationSize(): number {
  const sizes = new Uint16Array(3); // struct seccomp_notif_sizes
  const sizesAddress = addressOfBytes(sizes);
  const { seccomp } = hostMachine().linux.systemCalls;
  libc().syscall(seccomp, 'long', BigInt(SECCOMP_GET_NOTIF_SIZES), 'long', 0n, 'long', sizesAddress);
  return Math.max(sizes[0]!, SECCOMP_NOTIF.size);
}
