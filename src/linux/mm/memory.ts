/** Memory mappings. Each function is a system call under its own name; refusals are {@link TrampfdError}s. */
import { types } from 'node:util';
import { systemError } from '../../native/errno.js';
import { errno, libc } from '../../native/libc.js';

export { addressOfBytes, memoryAt } from '../../native/libc.js';

// <sys/mman.h>, the same on x86-64 and arm64.
export const PROT_NONE = 0;
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const PROT_EXEC = 4;
export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_NORESERVE = 0x4000;
export const MAP_STACK = 0x20000;
const MS_ASYNC = 1;
const MADV_DONTNEED = 4;

/** `mseal` has the same number on every architecture. */
export const __NR_mseal = 462;

export interface MapRequest {
  /** Where; 0 lets the kernel choose. */
  readonly address?: bigint;
  readonly length: number;
  readonly prot: number;
  readonly flags: number;
  /** -1 for anonymous memory. */
  readonly fd?: number;
  readonly offset?: bigint;
}

/**
 * `void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)`: map files or memory.
 * @see mmap(2)
 */
export function mmap(request: MapRequest, attempt: string): bigint {
  const { address = 0n, length, prot, flags, fd = -1, offset = 0n } = request;
  const result = libc().mmap(address, length, prot, flags, fd, offset);
  if (result === -1) throw systemError(attempt, { syscall: 'mmap', errno: errno() });
  return BigInt(result);
}

/** `int munmap(void *addr, size_t length)`: give a range back. @see munmap(2) */
export function munmap(address: bigint, length: number): void {
  if (libc().munmap(address, length) !== 0) {
    throw systemError(`unmap 0x${address.toString(16)}`, { syscall: 'munmap', errno: errno() });
  }
}

/** `int mprotect(void *addr, size_t length, int prot)`: change what a range allows. @see mprotect(2) */
export function mprotect(address: bigint, length: number, prot: number): void {
  if (libc().mprotect(address, length, prot) !== 0) {
    throw systemError(`change the protection of 0x${address.toString(16)}`, {
      syscall: 'mprotect',
      errno: errno(),
    });
  }
}

/** `madvise(addr, length, MADV_DONTNEED)`: drop the contents of private memory. @see madvise(2) */
export function madviseDontneed(address: bigint, length: number): void {
  if (libc().madvise(address, length, MADV_DONTNEED) !== 0) {
    throw systemError(`discard memory at 0x${address.toString(16)}`, { syscall: 'madvise', errno: errno() });
  }
}

/**
 * `int mseal(void *addr, size_t length, unsigned long flags)`: let nobody unmap, move or reprotect a range,
 * until the process ends. Linux 6.10. @see Documentation/userspace-api/mseal.rst
 * @returns whether the kernel has it and did it
 */
export function mseal(address: bigint, length: number): boolean {
  return libc().syscall(__NR_mseal, 'long', address, 'long', BigInt(length), 'long', 0n) === 0;
}

/** Whether every page of a range is mapped. `msync` with `MS_ASYNC` does nothing else since Linux 2.6.19. @see msync(2) */
export function isMapped(address: bigint, length: number): boolean {
  const page = BigInt(pageSize());
  const start = (address / page) * page;
  return libc().msync(start, Number(address - start) + length, MS_ASYNC) === 0;
}

let cachedPageSize: number | undefined;

/** `int getpagesize(void)`. @see getpagesize(2) */
export function pageSize(): number {
  cachedPageSize ??= libc().getpagesize();
  return cachedPageSize;
}

/**
 * Reserves address space, aligned to `alignment` (a power of two, at least a page), with no access.
 * Later mappings go into it with `MAP_FIXED`, so that no other thread's mapping can come between.
 */
export function reserveAddressSpace(
  { length, alignment }: { length: number; alignment: number },
  attempt: string,
): bigint {
  const slack = alignment - pageSize();
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const start = mmap({ length: length + slack, prot: PROT_NONE, flags }, attempt);
  const mask = BigInt(alignment - 1);
  const aligned = (start + mask) & ~mask;
  const leading = Number(aligned - start);
  try {
    if (leading > 0) munmap(start, leading);
    if (slack > leading) munmap(aligned + BigInt(length), slack - leading);
  } catch (error) {
    // Cutting can split a mapping, which fails when the process has as many as it may. Give all of it back.
    munmap(start, length + slack);
    throw error;
  }
  return aligned;
}

/** Whether this is a buffer, of whichever realm, or a view of one. Properties that claim so do not count, or run. */
export function isBufferSource(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(value) || types.isArrayBuffer(value);
}

/** Writes bytes to memory that is mapped and writable. A view of it would cost more than the writing. */
export function copyToMemory(address: bigint, bytes: Uint8Array): void {
  libc().memcpy(address, bytes, bytes.length);
}
