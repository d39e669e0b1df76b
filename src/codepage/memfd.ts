/**
 * `memfd`: the code stands in a sealed anonymous file and is mapped shared.
 *
 * Guarantee: nobody can change the bytes, not even with the descriptor, `mprotect`, `/proc/self/mem` or a
 * debugger that would insert a breakpoint. (A private mapping would not do: its pages can be copied and
 * rewritten.) A process can still map something else over its own pages, unless they are sealed with `mseal`.
 */
import { sealedMemfd } from '../linux/mm/memfd.js';
import type { CodePageMethod } from './code-page-method.js';
import { codeFromFd } from './map-shared-fd.js';

export const memfd: CodePageMethod = {
  name: 'memfd',
  prepare({ bytes }) {
    const fd = sealedMemfd('trampfd', bytes, 'make a code page by memfd');
    return codeFromFd(fd, { method: 'memfd', length: bytes.length });
  },
};
