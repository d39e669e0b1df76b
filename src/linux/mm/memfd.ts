/** Anonymous files and their seals. */
import { ftruncateSync, openSync, writeSync } from 'node:fs';
import { errnoName, fromNodeError, systemError } from '../../native/errno.js';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes, MAP_FIXED, MAP_SHARED, mmap, munmap, PROT_READ, PROT_WRITE } from './memory.js';

// <linux/memfd.h>
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
/** Linux 6.3: execute bits off for good. Such a file still maps `PROT_EXEC`, and `vm.memfd_noexec=2` allows it. */
export const MFD_NOEXEC_SEAL = 8;

// <linux/fcntl.h>
const F_ADD_SEALS = 1033;
const F_SEAL_SEAL = 1;
const F_SEAL_SHRINK = 2;
const F_SEAL_GROW = 4;
const F_SEAL_WRITE = 8;
const F_SEAL_FUTURE_WRITE = 0x10;

/**
 * `int memfd_create(const char *name, unsigned int flags)`: an anonymous file, close-on-exec, open to sealing.
 * The name shows in `/proc/PID/maps`. Kernels before 6.3 do not know `MFD_NOEXEC_SEAL`; there it is left out.
 * @see memfd_create(2)
 */
export function memfd_create(name: string, attempt: string): number {
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  let fd = libc().memfd_create(name, flags | MFD_NOEXEC_SEAL);
  let error = errno();
  if (fd < 0 && errnoName(error) === 'EINVAL') {
    fd = libc().memfd_create(name, flags);
    error = errno();
  }
  if (fd < 0) throw systemError(attempt, { syscall: 'memfd_create', errno: error });
  return fd;
}

/**
 * `int close(int fd)`, for what `memfd_create` returned. Not Node's: in a Worker that keeps account of what it
 * opened, and warns about others. @see close(2)
 */
export function closeMemfd(fd: number): void {
  libc().close(fd);
}

/** `fcntl(fd, F_ADD_SEALS, seals)`: forbid operations on a file for good. @see fcntl(2), "File Sealing" */
function addSeals(fd: number, seals: number, attempt: string): void {
  if (libc().fcntl(fd, F_ADD_SEALS, 'int', seals) !== 0) {
    throw systemError(attempt, { syscall: 'fcntl', errno: errno() });
  }
}

/**
 * A memfd that holds `bytes`, fully sealed: nobody can change it or its size, through any descriptor or mapping.
 * The descriptor only reads: before Linux 6.7 one that could write cannot be mapped shared any more (EPERM), not
 * even for reading.
 */
export function sealedMemfd(name: string, bytes: Uint8Array, attempt: string): number {
  const fd = memfd_create(name, attempt);
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
    addSeals(fd, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL, attempt);
    return openSync(`/proc/self/fd/${fd}`, 'r');
  } catch (error) {
    throw fromNodeError(attempt, error);
  } finally {
    closeMemfd(fd);
  }
}

/** `int ftruncate(int fd, off_t length)`: the length of a file, zeros where nothing was written. @see ftruncate(2) */
export function ftruncate(fd: number, length: bigint, attempt: string): void {
  if (libc().ftruncate(fd, length) !== 0) {
    throw systemError(attempt, { syscall: 'ftruncate', errno: errno() });
  }
}

/** `pwrite`, all of it: bytes of a file that nobody has mapped yet, without mapping it here. @see pwrite(2) */
export function pwriteAll(
  fd: number,
  { offset, bytes }: { offset: bigint; bytes: Uint8Array },
  attempt: string,
): void {
  const address = addressOfBytes(bytes);
  for (let written = 0; written < bytes.length; ) {
    const count = Number(
      libc().pwrite(fd, address + BigInt(written), bytes.length - written, offset + BigInt(written)),
    );
    if (count < 0) throw systemError(attempt, { syscall: 'pwrite', errno: errno() });
    written += count;
  }
}

/** Lets nobody change a memfd any more, except, if wanted, through a writable mapping that was made before. */
export function addWriteSeals(
  fd: number,
  { writableMapping }: { writableMapping: boolean },
  attempt: string,
): void {
  const writeSeal = writableMapping ? F_SEAL_FUTURE_WRITE : F_SEAL_WRITE;
  addSeals(fd, writeSeal | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL, attempt);
}

/** A memfd of `byteLength` zeros, not sealed yet. */
function emptyMemfd(name: string, byteLength: number, attempt: string): number {
  const fd = memfd_create(name, attempt);
  try {
    ftruncateSync(fd, byteLength);
    return fd;
  } catch (error) {
    closeMemfd(fd);
    throw fromNodeError(attempt, error);
  }
}

/**
 * Memory of zeros that can only be read at `address`, which is reserved, and be written somewhere else. The file
 * behind it is sealed between making the two mappings: one made before could be made writable again, and one
 * that is writable could not be made after. @returns where it can be written
 */
export function mapWithWritableAlias(address: bigint, length: number, attempt: string): bigint {
  const fd = emptyMemfd('trampfd-data', length, attempt);
  let alias: bigint | undefined;
  try {
    alias = mmap({ length, prot: PROT_READ | PROT_WRITE, flags: MAP_SHARED, fd }, attempt);
    addSeals(fd, F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL, attempt);
    mmap({ address, length, prot: PROT_READ, flags: MAP_SHARED | MAP_FIXED, fd }, attempt);
    return alias;
  } catch (error) {
    if (alias !== undefined) munmap(alias, length);
    throw error;
  } finally {
    closeMemfd(fd);
  }
}
