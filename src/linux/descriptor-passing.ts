/** Descriptors on their way through a socket. @see unix(7), "SCM_RIGHTS" */
import { TrampfdError } from '../trampoline/errors.js';
import { Poll } from './descriptors.js';
import { systemError } from './errno.js';
import { errno, libc } from './libc.js';
import { addressOfBytes } from './memory.js';

// <sys/socket.h>
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** `struct msghdr`, the `struct iovec` that it points to, one byte, and a control message with a descriptor. */
const layout = {
  size: 112,
  vectors: 16,
  count: 24,
  control: 32,
  controlLength: 40,
  vector: 56,
  byte: 72,
} as const;
const controlMessage = { at: 80, length: 24, level: 8, type: 12, descriptor: 16, end: 20 } as const;

const message = new DataView(new ArrayBuffer(layout.size));

/** Fills in everything but the descriptor; one byte goes along, since nothing travels alone. @returns its address */
function prepare(): bigint {
  const start = addressOfBytes(message);
  new Uint8Array(message.buffer).fill(0);
  message.setBigUint64(layout.vectors, start + BigInt(layout.vector), true);
  message.setBigUint64(layout.count, 1n, true);
  message.setBigUint64(layout.control, start + BigInt(controlMessage.at), true);
  message.setBigUint64(layout.controlLength, BigInt(controlMessage.length), true);
  message.setBigUint64(layout.vector, start + BigInt(layout.byte), true);
  message.setBigUint64(layout.vector + 8, 1n, true);
  return start;
}

/** Sends a descriptor to whoever reads the other end of a Unix socket. */
export function sendDescriptor(socket: number, fd: number, attempt: string): void {
  const start = prepare();
  message.setBigUint64(controlMessage.at, BigInt(controlMessage.end), true);
  message.setInt32(controlMessage.at + controlMessage.level, SOL_SOCKET, true);
  message.setInt32(controlMessage.at + controlMessage.type, SCM_RIGHTS, true);
  message.setInt32(controlMessage.at + controlMessage.descriptor, fd, true);
  if (Number(libc().sendmsg(socket, start, 0)) < 0) {
    throw systemError(attempt, { syscall: 'sendmsg', errno: errno() });
  }
}

/** Waits for a descriptor that was sent, and takes it, close-on-exec. */
export function receiveDescriptor(socket: number, attempt: string): number {
  new Poll([socket]).wait(-1);
  const start = prepare();
  if (Number(libc().recvmsg(socket, start, MSG_CMSG_CLOEXEC)) < 0) {
    throw systemError(attempt, { syscall: 'recvmsg', errno: errno() });
  }
  const isThere =
    message.getBigUint64(controlMessage.at, true) >= BigInt(controlMessage.end) &&
    message.getInt32(controlMessage.at + controlMessage.type, true) === SCM_RIGHTS;
  if (isThere) return message.getInt32(controlMessage.at + controlMessage.descriptor, true);
  throw new TrampfdError(`Cannot ${attempt}: what came through the socket was no descriptor`, {
    code: 'ERR_NO_DESCRIPTOR',
  });
}
