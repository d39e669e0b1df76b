/** Functions of the C library for tests. They throw if C returns -1. */

import { errnoName } from '#src/native/errno.js';
import koffi from './koffi.js';

const self = koffi.load(null);

function declare(prototype: string): (...args: unknown[]) => number {
  const call = self.func(prototype);
  return (...args) => {
    const result: number = call(...args);
    if (result === -1) throw Object.assign(new Error(prototype), { code: errnoName(koffi.errno()) });
    return result;
  };
}

export const libc = {
  mmap: declare('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)'),
  munmap: declare('int munmap(uintptr_t, size_t)'),
  mprotect: declare('int mprotect(uintptr_t, size_t, int)'),
  mremap: declare('intptr_t mremap(uintptr_t, size_t, size_t, int, ...)'),
  madvise: declare('int madvise(uintptr_t, size_t, int)'),
  remap_file_pages: declare('int remap_file_pages(uintptr_t, size_t, int, size_t, int)'),
  fallocate: declare('int fallocate(int, int, int64_t, int64_t)'),
  fcntl: declare('int fcntl(int, int, ...)'),
  process_vm_writev: declare(
    'long process_vm_writev(int, uintptr_t, unsigned long, uintptr_t, unsigned long, unsigned long)',
  ),
  prctl: declare('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)'),
  mallopt: declare('int mallopt(int, int)'),
  malloc: declare('uintptr_t malloc(size_t)'),
  free: declare('void free(uintptr_t)'),
  getrlimit: declare('int getrlimit(int, uintptr_t)'),
  setrlimit: declare('int setrlimit(int, uintptr_t)'),
};

/** Returns `ok`, or the name of the error. */
export function outcome(call: () => unknown): string {
  try {
    call();
    return 'ok';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return code;
  }
}
