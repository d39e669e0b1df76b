/** Which file a descriptor leads to, of any process. @see statx(2) */
import { libc } from './libc.js';
import { addressOfBytes } from './memory.js';

// <fcntl.h>, <linux/stat.h>
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
/** Asks no server that a file system may have, which may never answer: numbers do not change. */
const AT_STATX_DONT_SYNC = 0x4000;
const STATX_INO = 0x100;

/** `struct statx`, which is laid out alike everywhere. Checked against C by a test. */
export const statx = { size: 256, inode: 32, deviceMajor: 136, deviceMinor: 140 } as const;

const result = new DataView(new ArrayBuffer(statx.size));

/** Device and inode as one key, equal for equal files; nothing when there is no such descriptor. */
export function fileBehind(tid: number | 'self', fd: number): string | undefined {
  const own = tid === 'self';
  const [folder, path, empty] = own ? [fd, '', AT_EMPTY_PATH] : [AT_FDCWD, `/proc/${tid}/fd/${fd}`, 0];
  const flags = empty | AT_STATX_DONT_SYNC;
  if (libc().statx(folder, path, flags, STATX_INO, addressOfBytes(result)) !== 0) return undefined;
  return fileKey({
    major: result.getUint32(statx.deviceMajor, true),
    minor: result.getUint32(statx.deviceMinor, true),
    inode: result.getBigUint64(statx.inode, true),
  });
}

/** The key of a file whose numbers are known. */
export function fileKey(file: { major: number; minor: number; inode: bigint }): string {
  return `${file.major}:${file.minor}:${file.inode}`;
}
