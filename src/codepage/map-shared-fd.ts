/** Maps code from a read-only fd, shared: common to `memfd`, `file` and `template`. */
import { closeSync } from 'node:fs';
import { MAP_FIXED, MAP_SHARED, mmap, PROT_EXEC, PROT_READ } from '../linux/mm/memory.js';
import type { CodeSource, PreparedCode } from './code-page-method.js';

/** Returns the `length` bytes of code at the page-aligned `offset` of a file. `close` closes the fd. */
export function codeFromFd(
  fd: number,
  { source, length, offset = 0 }: { source: CodeSource; length: number; offset?: number },
): PreparedCode {
  const prot = PROT_READ | PROT_EXEC;
  const flags = MAP_SHARED | MAP_FIXED;
  return {
    mapAt(address) {
      mmap({ address, length, prot, flags, fd, offset: BigInt(offset) }, `map a code page by ${source}`);
    },
    close() {
      closeSync(fd);
    },
  };
}
