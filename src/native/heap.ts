/** Native heap memory, which is not garbage-collected. */
import { systemError } from './errno.js';
import { errno, libc } from './libc.js';
import { memoryAt } from './memory-view.js';

/** `void *malloc(size_t size)`, initialized with `bytes`. @see malloc(3) */
export function mallocBytes(bytes: Uint8Array): bigint {
  const address = BigInt(libc().malloc(bytes.length));
  if (address === 0n) {
    throw systemError(`allocate ${bytes.length} bytes`, { syscall: 'malloc', errno: errno() });
  }
  new Uint8Array(memoryAt(address, bytes.length)).set(bytes);
  return address;
}

/** `void free(void *ptr)`. @see free(3) */
export function free(address: bigint): void {
  libc().free(address);
}
