/**
 * `remap`: memory that is written first and then made executable. Used only if named.
 *
 * Guarantee: a stray store cannot write the code. `/proc/self/mem` can, and `mprotect` can unless the page is
 * sealed (`mseal`).
 */

import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  mmap,
  mprotect,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../linux/mm/memory.js';
import { copyToMemory } from '../native/copy-memory.js';
import type { CodePageMethod } from './code-page-method.js';

export const remap: CodePageMethod = {
  name: 'remap',
  prepare({ bytes }) {
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    return {
      mapAt(address) {
        mmap(
          { address, length: bytes.length, prot: PROT_READ | PROT_WRITE, flags },
          'map a code page by remap',
        );
        copyToMemory(address, bytes);
        mprotect(address, bytes.length, PROT_READ | PROT_EXEC);
      },
      close() {},
    };
  },
};
