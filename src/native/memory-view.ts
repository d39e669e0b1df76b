/** Access to native memory: views and addresses. */
import { types } from 'node:util';
import { TrampfdError } from '../core/errors.js';
import { nativeModule } from './module.js';
import { argumentIndex, createRecord } from './record.js';

const { buffer: record, u64 } = createRecord();

/** Returns a view of memory at an address, without a copy. Accessing it after `munmap` crashes the process. */
export function memoryAt(address: bigint, byteLength: number): ArrayBuffer {
  u64[argumentIndex] = address;
  u64[argumentIndex + 1] = BigInt(byteLength);
  const memory = nativeModule().bufferAt(record);
  if (memory !== undefined) return memory as ArrayBuffer;
  const message = 'Cannot view native memory: this build of Node does not support external buffers';
  throw new TrampfdError(message, { code: 'ERR_TRAMPFD_NAPI' });
}

/** Returns the address of the first byte of a buffer or view. */
export function addressOfBytes(bytes: ArrayBuffer | ArrayBufferView): bigint {
  nativeModule().addressOf(record, bytes);
  return u64[argumentIndex]!;
}

/** Returns the C string at an address, which is not 0. */
export function stringAt(address: bigint): string {
  u64[argumentIndex] = address;
  return nativeModule().stringAt(record) as string;
}

/** Whether the value is a buffer of any realm, or a view of one. Reads no properties, so getters do not run. */
export function isBufferSource(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(value) || types.isArrayBuffer(value);
}
