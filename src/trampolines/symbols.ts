/** Symbol lookup in the libraries of the process. */
import { TrampfdError } from '../core/errors.js';
import { dlopen, dlsym } from '../native/dl.js';
import { assertText } from './text.js';

/**
 * Returns the address of a symbol: in the named library, which is loaded if necessary, or in any library that is in
 * the process's global scope, such as the C library.
 *
 * @example
 * ```ts
 * import { symbolAddress } from 'trampfd';
 *
 * const memcmp = symbolAddress('memcmp');
 * const cos = symbolAddress('cos', 'libm.so.6');
 * ```
 * @throws TypeError, RangeError for wrong names
 * @throws TrampfdError `ERR_TRAMPFD_SYMBOL`, `ERR_TRAMPFD_LIBRARY` if there is none
 */
export function symbolAddress(name: string, library?: string): bigint {
  assertText(name, 'name');
  if (library !== undefined) assertText(library, 'library');
  const address = dlsym(name, library === undefined ? undefined : dlopen(library));
  if (address !== undefined) return address;
  const reason =
    library === undefined ? 'in no library of this process; name the library' : `not in ${library}`;
  throw new TrampfdError(`Cannot find the symbol ${name}: it is ${reason}`, { code: 'ERR_TRAMPFD_SYMBOL' });
}
