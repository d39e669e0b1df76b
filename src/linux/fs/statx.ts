/** Which file a descriptor leads to, of any process. @see STATX(2) */
import { libc } from '../../native/libc.js';
import { addressOfBytes } from '../mm/memory.js';

// <fcntl.h>, <linux/stat.h>
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
/** Asks no server that a file system may have, which may never answer: numbers do not change. */
const AT_STATX_DONT_SYNC = 0x4000;
const STATX_INO = 0x100;

/** `struct statx`, which is laid out alike everywhere. Checked against C by a test. */
export const STATX = { size: 256, inode: 32, deviceMajor: 136, deviceMinor: 140 } as const;

const statxBuffer = new DataView(new ArrayBuffer(STATX.size));

/** Device and inode as one key, equal for equal files; nothing when there is no such descriptor. */
export function fileKeyOfFd(tid: number | 'self', fd: number): string | undefined {
  const isSelf = tid === 'self';
  const [dirfd, path, pathFlag] = isSelf ? [fd, '', AT_EMPTY_PATH] : [AT_FDCWD, `/proc/${tid}/fd/${fd}`, 0];
  const flags = pathFlag | AT_STATX_DONT_SYNC;
  if (libc().statx(dirfd, path, flags, STATX_INO, addressOfBytes(statxBuffer)) !== 0) return undefined;
  return fileKey({
    major: statxBuffer.getUint32(STATX.deviceMajor, true),
    minor: statxBuffer.getUint32(STATX.deviceMinor, true),
    inode: statxBuffer.getBigUint64(STATX.inode, true),
  });
}

/** The key of a file whose numbers are known. */
export function fileKey(file: { major: number; minor: number; inode: bigint }): string {
  return `${file.major}:${file.minor}:${file.inode}`;
}
