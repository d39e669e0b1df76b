/**
 * `rwx`: anonymous memory that is writable and executable at once, the traditional memory for callbacks. Used
 * only if named.
 *
 * Guarantee: none. Any write to memory of the process can change the code.
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

const attempt = 'map a code page by rwx';

export const rwx: CodePageMethod = {
  name: 'rwx',
  prepare({ bytes }) {
    const prot = PROT_READ | PROT_WRITE | PROT_EXEC;
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    return {
      mapAt(address) {
        mmap({ address, length: bytes.length, prot, flags }, attempt);
        // Code is written while the memory is not executable: on arm64 the instruction cache is synchronized only when
        // memory becomes executable.
        mprotect(address, bytes.length, PROT_READ | PROT_WRITE);
        copyToMemory(address, bytes);
        mprotect(address, bytes.length, prot);
      },
      close() {},
    };
  },
};
