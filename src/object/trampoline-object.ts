/** The kernel proposal's trampoline object: an fd with contexts that can be mapped, sent and closed. */
import { encodeUser } from '../abi/encode.js';
import { abi } from '../abi/layout.js';
import { integerInRange, knownOptions, oneOf } from '../core/validate.js';
import { recvFd } from '../linux/fs/scm-rights.js';
import { objectBackend } from './object-backend.js';
import { ObjectHandle } from './object-handle.js';
import type { TrampolineObject, TrampolineObjectOptions } from './types.js';

export type { TrampolineMapping, TrampolineObject, TrampolineObjectOptions } from './types.js';

const maxFd = 2 ** 31 - 1;

/**
 * Creates a trampoline object and an fd for it, as `trampfd_create(2)` does. In a program that `trampfd run` started,
 * this is that system call, and the supervisor stores the contexts. In any other program this process stores them;
 * processes that receive the fd can map and call the object, and cannot change it.
 *
 * @example
 * ```ts
 * import { symbolAddress } from 'trampfd';
 * import { createTrampolineObject } from 'trampfd/object';
 *
 * const object = createTrampolineObject();
 * object.setRegisters({ pc: symbolAddress('memcmp'), arg2: 8n });
 * const { address } = object.map();
 * console.log(`call 0x${address.toString(16)} with two pointers`);
 * object.close(); // the mapping keeps the object alive
 * ```
 * @throws TypeError, RangeError for wrong options
 * @throws TrampfdError if the system or the supervisor's policy refuses
 */
export function createTrampolineObject(options: TrampolineObjectOptions = {}): TrampolineObject {
  const validOptions = knownOptions(options, 'options', ['mode', 'count']);
  const slow = oneOf(validOptions.mode, 'mode', ['fast', 'slow']) === 'slow';
  const count = integerInRange(validOptions.count ?? 1, 'count', { min: 1, max: abi.maxCount });
  return new ObjectHandle(objectBackend().create(abi.types.user, encodeUser({ slow, count })));
}

/** Returns a handle for an fd that this process inherited or received. The handle owns the fd: `close` closes it. */
export function openTrampolineObject(fd: number): TrampolineObject {
  return new ObjectHandle(integerInRange(fd, 'fd', { max: maxFd }));
}

/**
 * Waits for an fd that another process sends through a Unix socket, and returns a handle for it.
 * @param socketFd fd of the socket, which must not be one that Node reads from, such as a `net.Socket`'s
 */
export function receiveTrampolineObject(socketFd: number): TrampolineObject {
  const socket = integerInRange(socketFd, 'socketFd', { max: maxFd });
  return new ObjectHandle(recvFd(socket, 'receive a trampoline object'));
}
