/** Temporary files. */
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromNodeError } from '../../native/errno.js';

/** `O_TMPFILE` of <fcntl.h>: its own bit and `O_DIRECTORY`, whose value depends on the architecture. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** What kernels and file systems without `O_TMPFILE` answer to it: open(2). Node calls `EOPNOTSUPP` by its other name. */
const tmpfileUnsupported = ['EISDIR', 'ENOTSUP', 'ENOENT', 'EINVAL'];

/**
 * A file in the temporary folder (`TMPDIR`) that holds `bytes` and has no name, open for reading only.
 * Node opens all files close-on-exec.
 */
export function anonymousTempFile(bytes: Uint8Array, attempt: string): number {
  const directory = tmpdir();
  let writeFd: number | undefined;
  try {
    writeFd = createAnonymous(directory);
    for (let written = 0; written < bytes.length; ) written += writeSync(writeFd, bytes, written);
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

/** A file that had a name for a moment, of which `/proc/PID/fd` still shows the beginning. Open for reading and writing. */
export function unlinkedTempFile(name: string, directory = tmpdir()): number {
  // Loaded when it is needed, as in spawn.ts.
  const { randomUUID } = process.getBuiltinModule('node:crypto');
  const path = join(directory, `${name}-${randomUUID()}`);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const fd = openSync(path, flags, 0o600);
  unlinkSync(path);
  return fd;
}
