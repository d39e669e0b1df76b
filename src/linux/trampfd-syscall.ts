/**
 * The proposed system call, for programs that run under a supervisor. Do not call it without one to find out whether
 * it exists: a sandbox may kill the process for an unknown system call.
 */
import { abi, structs } from '../abi/layout.js';
import { decodeMap, type ObjectMap } from '../abi/object-map.js';
import { TrampfdError } from '../core/errors.js';
import { systemError } from '../native/errno.js';
import { errno, libc } from '../native/libc.js';
import { addressOfBytes } from '../native/memory-view.js';
import { MAP_FIXED, mmap, pageSize } from './mm/memory.js';

/** Whether this process runs under a supervisor: it sets an environment variable. */
export function isSupervised(): boolean {
  return process.env[abi.supervisor.variable] === abi.supervisor.version;
}

/** @throws TrampfdError `ERR_TRAMPFD_NO_SUPERVISOR` */
export function requireSupervisor(attempt: string): void {
  if (isSupervised()) return;
  const message = `Cannot ${attempt}: no supervisor runs this program; "trampfd run -- program" does`;
  throw new TrampfdError(message, { code: 'ERR_TRAMPFD_NO_SUPERVISOR' });
}

/** `int trampfd_create(int type, const void *data, unsigned int flags)`. @see docs/trampfd_create.2.md */
export function trampfd_create(type: number, data: Uint8Array, attempt: string): number {
  requireSupervisor(attempt);
  const dataAddress = addressOfBytes(data);
  const fd = Number(libc().syscall(abi.createNumber, 'long', BigInt(type), 'long', dataAddress, 'long', 0n));
  if (fd < 0) throw systemError(attempt, { syscall: 'trampfd_create', errno: errno() });
  return fd;
}

/** A context of an instance. */
export interface ContextId {
  readonly context: number;
  readonly instance: number;
}

const contextOffset = ({ context, instance }: ContextId): bigint =>
  abi.offsetBase + (BigInt(instance) << BigInt(abi.instanceShift)) + BigInt(context);

/** `pread(fd, buf, length, offset)` of a context. `length` is the maximum size of that context, in bytes. */
export function readContext(fd: number, id: ContextId, length: number, attempt: string): Uint8Array {
  const bytes = new Uint8Array(length);
  const bytesRead = Number(libc().pread(fd, addressOfBytes(bytes), length, contextOffset(id)));
  if (bytesRead < 0) throw systemError(attempt, { syscall: 'pread', errno: errno() });
  // The kernel handles reads of other files; they are empty at that offset.
  if (bytesRead !== length) {
    throw new TrampfdError(`Cannot ${attempt}: fd ${fd} is not a trampfd object`, {
      code: 'ERR_TRAMPFD_NOT_TRAMPFD',
    });
  }
  return bytes;
}

/** `pwrite(fd, buf, length, offset)` of a context. */
export function writeContext(fd: number, id: ContextId, bytes: Uint8Array, attempt: string): void {
  if (Number(libc().pwrite(fd, addressOfBytes(bytes), bytes.length, contextOffset(id))) < 0) {
    throw systemError(attempt, { syscall: 'pwrite', errno: errno() });
  }
}

/** Reads the parameters with which an object has to be mapped. */
export function readObjectMap(fd: number, attempt: string): ObjectMap {
  const id = { context: abi.contexts.map, instance: 0 };
  return decodeMap(readContext(fd, id, structs.trampfd_map.size, attempt));
}

/** Maps an object: at an address in reserved memory, or at an address that the kernel chooses. */
export function mapObject(
  fd: number,
  { size, prot, flags, offsetPage }: ObjectMap,
  attempt: string,
  address?: bigint,
): bigint {
  const fixedFlag = address === undefined ? 0 : MAP_FIXED;
  const offset = abi.offsetBase + BigInt(offsetPage * pageSize());
  return mmap({ address: address ?? 0n, length: size, prot, flags: flags | fixedFlag, fd, offset }, attempt);
}
