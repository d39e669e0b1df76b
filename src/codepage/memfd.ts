/**
 * `memfd`: the code stands in a sealed anonymous file and is mapped shared.
 *
 * Guarantee: nobody can change the bytes, not even with the descriptor, `mprotect`, `/proc/self/mem` or a
 * debugger that would insert a breakpoint. (A private mapping would not do: its pages can be copied and
 * rewritten.) A process can still map something else over its own pages, unless they are sealed with `mseal`.
 */
import { sealedMemfd } from '../linux/memfd.js';
import { MAP_FIXED, MAP_SHARED, mmap, PROT_EXEC, PROT_READ } from '../linux/memory.js';
import type { CodePageMethod } from './method.js';

export const memfd: CodePageMethod = {
  name: 'memfd',
  prepare(bytes, label) {
    const fd = sealedMemfd(label, bytes, 'make a code page by memfd');
    return {
      mapAt(address) {
        const request = {
          address,
          length: bytes.length,
          prot: PROT_READ | PROT_EXEC,
          flags: MAP_SHARED | MAP_FIXED,
          fd,
        };
        mmap(request, 'map a code page by memfd');
      },
    };
  },
};
