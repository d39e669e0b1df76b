/** Memory mappings. A failed system call throws a {@link TrampfdError}. */
import { hex } from '../../core/bits.js';
import { systemError } from '../../native/errno.js';
import { errno, libc } from '../../native/libc.js';

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
const MADV_POPULATE_WRITE = 23;

/** `mseal` has the same number on every architecture. */
export const __NR_mseal = 462;

export interface MapRequest {
  /** 0 (the default) lets the kernel choose. */
  readonly address?: bigint;
  readonly length: number;
  readonly prot: number;
  readonly flags: number;
  /** -1 for anonymous memory. */
  readonly fd?: number;
  readonly offset?: bigint;
}

/** `void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)`. @see mmap(2) */
export function mmap(request: MapRequest, attempt: string): bigint {
  const { address = 0n, length, prot, flags, fd = -1, offset = 0n } = request;
  const result = libc().mmap(address, length, prot, flags, fd, offset);
  if (result === -1) throw systemError(attempt, { syscall: 'mmap', errno: errno() });
  return BigInt(result);
}

/** `int munmap(void *addr, size_t length)`. @see munmap(2) */
export function munmap(address: bigint, length: number): void {
  if (libc().munmap(address, length) !== 0) {
    throw systemError(`unmap ${hex(address)}`, { syscall: 'munmap', errno: errno() });
  }
}

/** `int mprotect(void *addr, size_t length, int prot)`. @see mprotect(2) */
export function mprotect(address: bigint, length: number, prot: number): void {
  if (libc().mprotect(address, length, prot) !== 0) {
    throw systemError(`change the protection of ${hex(address)}`, {
      syscall: 'mprotect',
      errno: errno(),
    });
  }
}

/** `madvise(addr, length, MADV_DONTNEED)`: discards the contents of private memory. @see madvise(2) */
export function madviseDontneed(address: bigint, length: number): void {
  if (libc().madvise(address, length, MADV_DONTNEED) !== 0) {
    throw systemError(`discard memory at ${hex(address)}`, { syscall: 'madvise', errno: errno() });
  }
}

/**
 * Makes the kernel provide all pages of private memory at once, which takes a quarter of the time of a fault for each.
 * Without effect before Linux 5.14, or if memory is short. @see madvise(2)
 */
export function populate(address: bigint, length: number): void {
  const inPage = Number(address % BigInt(pageSize()));
  libc().madvise(address - BigInt(inPage), inPage + length, MADV_POPULATE_WRITE);
}

/**
 * `int mseal(void *addr, size_t length, unsigned long flags)`: prevents unmapping, moving and reprotecting a range
 * until the process ends. Linux 6.10. @see Documentation/userspace-api/mseal.rst
 * @returns whether the range is sealed; `false` on older kernels
 */
export function mseal(address: bigint, length: number): boolean {
  return libc().syscall(__NR_mseal, 'long', address, 'long', BigInt(length), 'long', 0n) === 0;
}

/** Whether every page of a range is mapped. Since Linux 2.6.19 `MS_ASYNC` only checks that. @see msync(2) */
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
 * Reserves inaccessible address space, aligned to `alignment` (a power of two, at least a page; in bytes). Later
 * mappings replace parts of it with `MAP_FIXED`, so that no other thread can map that range first.
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
    // A partial unmap can split a mapping, which fails at the limit of mappings (vm.max_map_count). Unmap all of it.
    munmap(start, length + slack);
    throw error;
  }
  return aligned;
}
