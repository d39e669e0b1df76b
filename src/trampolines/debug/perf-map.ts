/**
 * `/tmp/perf-PID.map`, from which perf and other profilers read the names of generated code: lines of start address,
 * size (both hexadecimal) and name.
 *
 * **Limitation**: one writer per process. V8 writes the same file with `--perf-basic-prof`, and so would a Worker
 * or another copy of this package; the second writer gets an error.
 * @see tools/perf/Documentation/jit-interface.txt in the Linux source
 */
import { constants, lstatSync, openSync, unlinkSync } from 'node:fs';
import { TrampfdError } from '../../core/errors.js';
import { fromNodeError } from '../../native/errno.js';
import { type Line, LineFile } from './line-file.js';

let perfMapFile: LineFile | undefined;

export function addToPerfMap({ address, size, name }: { address: bigint; size: number; name: string }): Line {
  perfMapFile ??= new LineFile(createPerfMapFile(`/tmp/perf-${process.pid}.map`));
  return perfMapFile.add(`${address.toString(16)} ${size.toString(16)} ${name}`);
}

export function removeFromPerfMap(line: Line): void {
  perfMapFile?.remove(line);
}

/** Creates the file. One left by an earlier process with the same PID is removed; symbolic links are never followed. */
function createPerfMapFile(path: string): number {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const existing = lstatSync(path, { throwIfNoEntry: false });
  if (existing?.isFile() === true && existing.mtimeMs > Date.now() - 1000 * process.uptime()) {
    throw new TrampfdError(
      `Cannot write ${path}: another Worker, copy of this package, or V8 is writing it`,
      {
        code: 'EEXIST',
      },
    );
  }
  try {
    if (existing !== undefined) unlinkSync(path);
    return openSync(path, flags, 0o600);
  } catch (error) {
    throw fromNodeError(`write ${path}`, error);
  }
}
