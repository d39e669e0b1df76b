/**
 * Memory of other processes, with the protection that the process itself has: what it may not write, this may
 * not either. (`/proc/PID/mem` would.) @see process_vm_readv(2)
 */
import { constants } from 'node:os';
import { errno, libc } from './libc.js';
import { addressOfBytes } from './memory.js';

const { EFAULT } = constants.errno;

/** `struct iovec`, ours and theirs. */
const vectors = new BigUint64Array(4);
let vectorsAt: bigint | undefined;

/** @returns 0, or the error number; `EFAULT` also when only a part is there */
export function readProcess(tid: number, address: bigint, into: Uint8Array): number {
  return transfer('process_vm_readv', { tid, address, bytes: into });
}

/** @returns 0, or the error number; `EFAULT` also when only a part can be written */
export function writeProcess(tid: number, address: bigint, bytes: Uint8Array): number {
  return transfer('process_vm_writev', { tid, address, bytes });
}

function transfer(
  call: 'process_vm_readv' | 'process_vm_writev',
  { tid, address, bytes }: { tid: number; address: bigint; bytes: Uint8Array },
): number {
  if (bytes.length === 0) return 0;
  vectorsAt ??= addressOfBytes(vectors);
  vectors[0] = addressOfBytes(bytes);
  vectors[1] = BigInt(bytes.length);
  vectors[2] = address;
  vectors[3] = vectors[1];
  const done = Number(libc()[call](tid, vectorsAt, 1, vectorsAt + 16n, 1, 0));
  if (done < 0) return errno();
  return done === bytes.length ? 0 : EFAULT;
}
