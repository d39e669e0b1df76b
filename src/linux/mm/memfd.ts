/** Anonymous files and their seals. */
import { openSync } from 'node:fs';
import { errnoName, fromNodeError, systemError } from '../../native/errno.js';
import { errno, libc } from '../../native/libc.js';
import { close } from '../fs/fds.js';
import { writeAll } from '../fs/write-all.js';

// <linux/memfd.h>
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
/**
 * Linux 6.3: clears the execute bits for good. The file can still be mapped `PROT_EXEC`; `vm.memfd_noexec=2` allows
 * it.
 */
export const MFD_NOEXEC_SEAL = 8;

// <linux/fcntl.h>
const F_ADD_SEALS = 1033;
const F_SEAL_SEAL = 1;
const F_SEAL_SHRINK = 2;
const F_SEAL_GROW = 4;
const F_SEAL_WRITE = 8;
const F_SEAL_FUTURE_WRITE = 0x10;

/**
 * `int memfd_create(const char *name, unsigned int flags)`: creates an anonymous file, close-on-exec, that can be
 * sealed. `/proc/PID/maps` shows the name. Before Linux 6.3 without `MFD_NOEXEC_SEAL`. @see memfd_create(2)
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

/** `fcntl(fd, F_ADD_SEALS, seals)`: seals cannot be removed. @see fcntl(2), "File Sealing" */
function addSeals(fd: number, seals: number, attempt: string): void {
  if (libc().fcntl(fd, F_ADD_SEALS, 'int', seals) !== 0) {
    throw systemError(attempt, { syscall: 'fcntl', errno: errno() });
  }
}

/**
 * Creates a memfd that holds `bytes`, and seals it against all changes of contents and size. The returned fd is
 * read-only: before Linux 6.7 a sealed file cannot be mapped shared through a writable fd (EPERM), not even for
 * reading.
 */
export function sealedMemfd(name: string, bytes: Uint8Array, attempt: string): number {
  const fd = memfd_create(name, attempt);
  try {
    writeAll(fd, bytes);
    addWriteSeals(fd, { writableMapping: false }, attempt);
    return openSync(`/proc/self/fd/${fd}`, 'r');
  } catch (error) {
    throw fromNodeError(attempt, error);
  } finally {
    close(fd);
  }
}

/** Seals a memfd against writes and size changes; with `writableMapping` existing writable mappings remain usable. */
export function addWriteSeals(
  fd: number,
  { writableMapping }: { writableMapping: boolean },
  attempt: string,
): void {
  const writeSeal = writableMapping ? F_SEAL_FUTURE_WRITE : F_SEAL_WRITE;
  addSeals(fd, writeSeal | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL, attempt);
}
