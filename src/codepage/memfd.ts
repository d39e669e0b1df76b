/**
 * `memfd`: the code is in a sealed anonymous file, mapped shared.
 *
 * Guarantee: the bytes cannot be changed, not even with the fd, `mprotect`, `/proc/self/mem` or a debugger that
 * inserts a breakpoint. (A private mapping does not have this property: its pages can be copied and rewritten.)
 * A process can still map something else over its own pages, unless they are sealed with `mseal`.
 */
import { sealedMemfd } from '../linux/mm/memfd.js';
import type { CodePageMethod } from './code-page-method.js';
import { codeFromFd } from './map-shared-fd.js';

export const memfd: CodePageMethod = {
  name: 'memfd',
  prepare({ bytes }) {
    const fd = sealedMemfd('trampfd', bytes, 'create a code page by memfd');
    return codeFromFd(fd, { source: 'memfd', length: bytes.length });
  },
};
