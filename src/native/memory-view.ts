/** Access to native memory: views, addresses, copies. */
import { types } from 'node:util';
import { koffi } from './koffi.js';
import { libc } from './libc.js';

/** Returns a view of memory at an address, without a copy. Accessing it after `munmap` crashes the process. */
export function memoryAt(address: bigint, byteLength: number): ArrayBuffer {
  return koffi().view(address, byteLength);
}

/** Returns the address of the first byte of a buffer or view. */
export function addressOfBytes(bytes: ArrayBuffer | ArrayBufferView): bigint {
  return koffi().address(bytes);
}

/** Copies bytes to mapped, writable memory. Creating a view would take longer than the copy. */
export function copyToMemory(address: bigint, bytes: Uint8Array): void {
  libc().memcpy(address, bytes, bytes.length);
}

/** Whether the value is a buffer of any realm, or a view of one. Reads no properties, so getters do not run. */
export function isBufferSource(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(value) || types.isArrayBuffer(value);
}
