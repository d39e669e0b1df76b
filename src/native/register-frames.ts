/**
 * Unwind tables for code that no file on disk describes. With them C++ exceptions pass it, and `backtrace` sees what
 * is above it.
 *
 * The unwinder looks among the tables that were registered with it before it asks the C library (`_dl_find_object`)
 * for those of loaded files: libgcc, unwind-dw2-fde-dip.c. There can be two unwinders in a process: what programs
 * find by name, and libgcc_s, which `backtrace` opens itself.
 *
 * **Limitation**: a library that is linked with `-static-libgcc` has an unwinder of its own, which is not told.
 */
import { TrampfdError } from '../core/errors.js';
import { dlopen, dlsym } from './dl.js';
import { mallocBytes } from './heap.js';
import { bindFunction } from './libc.js';

const registerFrameName = '__register_frame';
const libgcc = 'libgcc_s.so.1';

type RegisterFrame = (...args: unknown[]) => unknown;
let registerFunctions: readonly RegisterFrame[] | undefined;

/**
 * `void __register_frame(void *begin)`: tell the unwinders of this process, where there are any, of a table as it
 * stands in `.eh_frame`. It is never taken back.
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
    address === undefined ? [] : [bindFunction('void (uintptr_t)', address)],
  );
}

/** Nothing, which stands for all libraries, where libgcc is not installed. */
function libgccHandle(): bigint | undefined {
  try {
    return dlopen(libgcc);
  } catch (error) {
    if (error instanceof TrampfdError) return undefined;
    throw error;
  }
}
