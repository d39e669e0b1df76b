/**
 * Memory of other processes, with the protection that the process itself has: what it may not write, this may
 * not either. (`/proc/PID/mem` would.) @see process_vm_readv(2)
 */
import { constants } from 'node:os';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from './memory.js';

const { EFAULT } = constants.errno;

/** `struct iovec`, ours and theirs. */
const iovecs = new BigUint64Array(4);
let iovecsAddress: bigint | undefined;

/** @returns 0, or the error number; `EFAULT` also when only a part is there */
export function processVmReadv(tid: number, address: bigint, buffer: Uint8Array): number {
  return transfer('process_vm_readv', { tid, address, bytes: buffer });
}

/** @returns 0, or the error number; `EFAULT` also when only a part can be written */
export function processVmWritev(tid: number, address: bigint, bytes: Uint8Array): number {
  return transfer('process_vm_writev', { tid, address, bytes });
}

function transfer(
  functionName: 'process_vm_readv' | 'process_vm_writev',
  { tid, address, bytes }: { tid: number; address: bigint; bytes: Uint8Array },
): number {
  if (bytes.length === 0) return 0;
  iovecsAddress ??= addressOfBytes(iovecs);
  iovecs[0] = addressOfBytes(bytes);
  iovecs[1] = BigInt(bytes.length);
  iovecs[2] = address;
  iovecs[3] = iovecs[1];
  const transferred = Number(libc()[functionName](tid, iovecsAddress, 1, iovecsAddress + 16n, 1, 0));
  if (transferred < 0) return errno();
  return transferred === bytes.length ? 0 : EFAULT;
}
