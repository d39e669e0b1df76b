/**
 * Unwind tables for generated code. With them C++ exceptions propagate through it, and `backtrace` sees its callers.
 *
 * The unwinder searches registered tables before it asks the C library (`_dl_find_object`) for the tables of loaded
 * files: libgcc, unwind-dw2-fde-dip.c. A process can have two unwinders: the one that programs find by name, and
 * libgcc_s, which `backtrace` opens itself.
 *
 * **Limitation**: a library linked with `-static-libgcc` has an unwinder of its own, in which nothing is registered.
 */
import { TrampfdError } from '../core/errors.js';
import { bindCFunction } from './c-function.js';
import { dlopen, dlsym } from './dl.js';
import { mallocBytes } from './heap.js';

const registerFrameName = '__register_frame';
const libgcc = 'libgcc_s.so.1';

type RegisterFrame = (...args: unknown[]) => unknown;
let registerFunctions: readonly RegisterFrame[] | undefined;

/**
 * `void __register_frame(void *begin)`: registers a table in `.eh_frame` format with the unwinders of this process,
 * if there are any. It is never unregistered.
 */
export function registerFrames(ehFrame: Uint8Array): void {
  registerFunctions ??= findRegisterFunctions();
  if (registerFunctions.length === 0) return;
  const address = mallocBytes(ehFrame);
  for (const registerFrame of registerFunctions) registerFrame(address);
}

function findRegisterFunctions(): RegisterFrame[] {
  const addresses = [dlsym(registerFrameName), dlsym(registerFrameName, libgccHandle())];
  return [...new Set(addresses)].flatMap((address) =>
    address === undefined ? [] : [bindCFunction('void (uintptr_t)', address)],
  );
}

/** Returns the handle of libgcc; if it is not installed `undefined`, with which `dlsym` searches the global scope. */
function libgccHandle(): bigint | undefined {
  try {
    return dlopen(libgcc);
  } catch (error) {
    if (error instanceof TrampfdError) return undefined;
    throw error;
  }
}
