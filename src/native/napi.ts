/** Node-API and the threads it runs on, for code that calls it without a compiler in between. */
import { fileURLToPath } from 'node:url';
import { TrampfdError } from '../core/errors.js';
import { dlopen, dlsym } from './dl.js';
import { systemError } from './errno.js';
import { libc, memoryAt } from './libc.js';
import { withLock } from './spinlock.js';

export { callbackAddress } from './libc.js';

/** The name by which Node finds a module's first function. */
export const initFunctionName = 'napi_register_module_v1';
/** What the module keeps: the address that its function goes on to, and who is loading it. */
export const moduleData = { name: 'trampfd_initialise', size: 16, target: 0, lock: 2 } as const;

/** Where the package keeps the module for an architecture. */
export function modulePath(architecture: string): string {
  return fileURLToPath(new URL(`../native/closure-${architecture}.node`, import.meta.url));
}

/**
 * Loads the module, whose function goes on to `initialise`: a `napi_addon_register_func`.
 * @returns the exports that it filled
 * @see "napi_register_module_v1" in the documentation of Node-API
 */
export function loadModule(initFunction: bigint): Readonly<Record<string, (...args: never[]) => unknown>> {
  const path = modulePath(process.arch);
  const memory = memoryAt(dlsym(moduleData.name, dlopen(path))!, moduleData.size);
  const module = { exports: {} };
  withLock(new Int32Array(memory), moduleData.lock, () => {
    new BigUint64Array(memory)[moduleData.target] = initFunction;
    process.dlopen(module, path);
  });
  return module.exports;
}

/** The address of a function that the process has: Node's or the C library's. */
export function resolveImport(name: string): bigint {
  const address = dlsym(name);
  if (address === undefined) {
    const message = `Cannot call JavaScript from native code: this Node has no ${name}`;
    throw new TrampfdError(message, { code: 'ERR_SYMBOL' });
  }
  return address;
}

/** `sizeof(pthread_attr_t)` is 56 with glibc and musl; more does no harm. */
const attrSize = 128;

/** The stack of this thread. @see pthread_getattr_np(3), pthread_attr_getstack(3) */
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
