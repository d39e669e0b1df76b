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
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  writeMapped,
} from '../linux/memory.js';
import type { CodePageMethod } from './method.js';

export const rwx: CodePageMethod = {
  name: 'rwx',
  prepare({ bytes }) {
    const prot = PROT_READ | PROT_WRITE | PROT_EXEC;
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    return {
      mapAt(address) {
        mmap({ address, length: bytes.length, prot, flags }, 'map a code page by rwx');
        writeMapped(address, bytes);
      },
      close() {},
    };
  },
};
