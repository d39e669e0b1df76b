/**
 * `rwx`: anonymous memory that is writable and executable at once, as callbacks were made for decades.
 * Only for those who ask for it by name.
 *
 * Guarantee: none. Whoever can write memory of the process can write this.
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
import { copyToMemory } from '../native/memory-view.js';
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
        // New code is seen when memory becomes executable, and on arm64 not before: what it may do from now on it may
        // not do while it is written.
        mprotect(address, bytes.length, PROT_READ | PROT_WRITE);
        copyToMemory(address, bytes);
        mprotect(address, bytes.length, prot);
      },
      close() {},
    };
  },
};
