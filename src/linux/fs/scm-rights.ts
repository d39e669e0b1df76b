/** Passing fds through a Unix socket. @see unix(7), "SCM_RIGHTS" */
import { TrampfdError } from '../../core/errors.js';
import { systemError } from '../../native/errno.js';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';
import { Poll } from './poll.js';

// <sys/socket.h>
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** Offsets in one buffer: `struct msghdr`, the `struct iovec` that it points to, one byte, and a control message. */
const MSGHDR = {
  size: 112,
  iov: 16,
  iovlen: 24,
  control: 32,
  controllen: 40,
  iovec: 56,
  payload: 72,
} as const;
/** `struct cmsghdr` with one fd: its offset in the buffer, its size, and offsets relative to it. */
const CMSG = { offset: 80, space: 24, level: 8, type: 12, data: 16, len: 20 } as const;

const message = new DataView(new ArrayBuffer(MSGHDR.size));

/** Fills in the message but for the fd. It has one byte of data, which a control message needs. @returns its address */
function prepareMessage(): bigint {
  const messageAddress = addressOfBytes(message);
  new Uint8Array(message.buffer).fill(0);
  message.setBigUint64(MSGHDR.iov, messageAddress + BigInt(MSGHDR.iovec), true);
  message.setBigUint64(MSGHDR.iovlen, 1n, true);
  message.setBigUint64(MSGHDR.control, messageAddress + BigInt(CMSG.offset), true);
  message.setBigUint64(MSGHDR.controllen, BigInt(CMSG.space), true);
  message.setBigUint64(MSGHDR.iovec, messageAddress + BigInt(MSGHDR.payload), true);
  message.setBigUint64(MSGHDR.iovec + 8, 1n, true);
  return messageAddress;
}

/** Sends an fd to the peer of a Unix socket. */
export function sendFd(socket: number, fd: number, attempt: string): void {
  const messageAddress = prepareMessage();
  message.setBigUint64(CMSG.offset, BigInt(CMSG.len), true);
  message.setInt32(CMSG.offset + CMSG.level, SOL_SOCKET, true);
  message.setInt32(CMSG.offset + CMSG.type, SCM_RIGHTS, true);
  message.setInt32(CMSG.offset + CMSG.data, fd, true);
  if (Number(libc().sendmsg(socket, messageAddress, 0)) < 0) {
    throw systemError(attempt, { syscall: 'sendmsg', errno: errno() });
  }
}

/** Waits for a message and returns the fd that it carries, close-on-exec. */
export function recvFd(socket: number, attempt: string): number {
  new Poll([socket]).wait(-1);
  const messageAddress = prepareMessage();
  if (Number(libc().recvmsg(socket, messageAddress, MSG_CMSG_CLOEXEC)) < 0) {
    throw systemError(attempt, { syscall: 'recvmsg', errno: errno() });
  }
  const hasFd =
    message.getBigUint64(CMSG.offset, true) >= BigInt(CMSG.len) &&
    message.getInt32(CMSG.offset + CMSG.type, true) === SCM_RIGHTS;
  if (hasFd) return message.getInt32(CMSG.offset + CMSG.data, true);
  throw new TrampfdError(`Cannot ${attempt}: the message carried no file descriptor`, {
    code: 'ERR_TRAMPFD_NO_DESCRIPTOR',
  });
}
