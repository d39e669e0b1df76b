/** Bounds of the calling thread's stack. @see pthread_getattr_np(3), pthread_attr_getstack(3) */
import { systemError } from './errno.js';
import { libc } from './libc.js';

/** `sizeof(pthread_attr_t)` is 56 with glibc and musl; a larger buffer is harmless. */
const attrSize = 128;

/** Returns the lowest address of this thread's stack, and the address after its end. */
export function threadStack(): { readonly low: bigint; readonly high: bigint } {
  const attr = new Uint8Array(attrSize);
  const errno = libc().pthread_getattr_np(BigInt(libc().pthread_self()), attr);
  if (errno !== 0)
    throw systemError('find the stack of this thread', { syscall: 'pthread_getattr_np', errno });
  const [address, size] = [new BigUint64Array(1), new BigUint64Array(1)];
  libc().pthread_attr_getstack(attr, address, size);
  libc().pthread_attr_destroy(attr);
  return { low: address[0]!, high: address[0]! + size[0]! };
}
