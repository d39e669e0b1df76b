/** Temporary files. */
import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromNodeError } from '../../native/errno.js';
import { writeAll } from './write-all.js';

/** `O_TMPFILE` of <fcntl.h> includes `O_DIRECTORY`, whose value depends on the architecture. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** Errors from kernels and file systems without `O_TMPFILE`: open(2). Node names `EOPNOTSUPP` `ENOTSUP`. */
const tmpfileUnsupported = ['EISDIR', 'ENOTSUP', 'ENOENT', 'EINVAL'];

/**
 * Creates a file without a name in the temporary folder (`TMPDIR`), with the contents `bytes`. The returned fd is
 * read-only and, as all that Node opens, close-on-exec.
 */
export function anonymousTempFile(bytes: Uint8Array, attempt: string): number {
  const directory = tmpdir();
  let writeFd: number | undefined;
  try {
    writeFd = createAnonymous(directory);
    writeAll(writeFd, bytes);
    return openSync(`/proc/self/fd/${writeFd}`, constants.O_RDONLY);
  } catch (error) {
    throw fromNodeError(`${attempt} in ${directory}`, error);
  } finally {
    if (writeFd !== undefined) closeSync(writeFd);
  }
}

function createAnonymous(directory: string): number {
  try {
    return openSync(directory, constants.O_RDWR | O_TMPFILE | constants.O_EXCL, 0o600);
  } catch (error) {
    if (!tmpfileUnsupported.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return unlinkedTempFile('trampfd', directory);
  }
}

/**
 * Creates a file, open for reading and writing, and unlinks it. Its former name, which begins with `name`, still shows
 * in `/proc/PID/fd`.
 */
export function unlinkedTempFile(name: string, directory = tmpdir()): number {
  // Loaded on demand, like child_process in launcher/spawn.ts.
  const { randomUUID } = process.getBuiltinModule('node:crypto');
  const path = join(directory, `${name}-${randomUUID()}`);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const fd = openSync(path, flags, 0o600);
  unlinkSync(path);
  return fd;
}
