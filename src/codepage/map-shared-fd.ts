/** Code from a file that is open for reading, mapped shared: what `memfd`, `file` and `template` have in common. */
import { closeSync } from 'node:fs';
import { MAP_FIXED, MAP_SHARED, mmap, PROT_EXEC, PROT_READ } from '../linux/mm/memory.js';
import type { CodePageMethodName, PreparedCode } from './code-page-method.js';

export function codeFromFd(
  fd: number,
  { method, length, offset = 0 }: { method: CodePageMethodName; length: number; offset?: number },
): PreparedCode {
  const prot = PROT_READ | PROT_EXEC;
  const flags = MAP_SHARED | MAP_FIXED;
  return {
    mapAt(address) {
      mmap({ address, length, prot, flags, fd, offset: BigInt(offset) }, `map a code page by ${method}`);
    },
    close() {
      closeSync(fd);
    },
  };
}
