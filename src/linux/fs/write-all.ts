/** Writing all bytes, however many calls it takes. @see write(2), "may be less than count" */
import { writeSync } from 'node:fs';
import { systemError } from '../../native/errno.js';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';

/** Writes all bytes at the file position. Throws errors of Node's `fs`. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
}

/** `pwrite` of all bytes. Node's function takes no offsets above 2^53. @see pwrite(2) */
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
