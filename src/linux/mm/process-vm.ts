/**
 * Access to the memory of other processes. Page protections apply as for the process itself, unlike with
 * `/proc/PID/mem`. @see process_vm_readv(2)
 */
import { constants } from 'node:os';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';

const { EFAULT } = constants.errno;

/** Two `struct iovec`: the local and the remote range. */
const iovecs = new BigUint64Array(4);
let iovecsAddress: bigint | undefined;

/** Reads memory. @returns 0, or the error number; `EFAULT` also if only a part could be read */
export function processVmReadv(tid: number, address: bigint, buffer: Uint8Array): number {
  return transfer('process_vm_readv', { tid, address, bytes: buffer });
}

/** Writes memory. @returns 0, or the error number; `EFAULT` also if only a part could be written */
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
