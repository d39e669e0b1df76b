/** Symbols of loaded libraries. */
import { TrampfdError } from '../core/errors.js';
import { lookUp } from './c-function.js';
import { libc } from './libc.js';

const RTLD_NOW = 2;
const RTLD_DEFAULT = 0n;

/**
 * `void *dlopen(const char *filename, int flags)`: returns the handle of a library, which is loaded if necessary. It
 * is never unloaded, since addresses of its symbols may be in use anywhere. @see dlopen(3)
 */
export function dlopen(library: string): bigint {
  // Looked up now: `dlsym` would replace the error.
  const { dlopen, dlerror } = libc();
  dlerror();
  const handle = BigInt(dlopen(library, RTLD_NOW));
  if (handle === 0n) {
    throw new TrampfdError(`Cannot load the library ${library}: ${dlerror() ?? 'no reason given'}`, {
      code: 'ERR_TRAMPFD_LIBRARY',
    });
  }
  return handle;
}

/**
 * `void *dlsym(void *handle, const char *symbol)`: returns the address of a symbol in one library, or by default in
 * the global scope; `undefined` if it is not defined there. @see dlsym(3)
 */
export function dlsym(symbol: string, handle: bigint = RTLD_DEFAULT): bigint | undefined {
  const address = lookUp(handle, symbol);
  return address === 0n ? undefined : address;
}
