/** Identity of the file that an fd of any process refers to. @see statx(2) */
import { libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';
import { AT_FDCWD } from '../constants.js';

// <fcntl.h>, <linux/stat.h>
const AT_EMPTY_PATH = 0x1000;
/** Does not query the server of a network file system, which may never answer; device and inode do not change. */
const AT_STATX_DONT_SYNC = 0x4000;
const STATX_INO = 0x100;

/** `struct statx`, offsets in bytes: the same on all architectures. Checked against C by a test. */
export const STATX = { size: 256, inode: 32, deviceMajor: 136, deviceMinor: 140 } as const;

const statxBuffer = new DataView(new ArrayBuffer(STATX.size));

/** Device and inode of a file. */
export interface FileId {
  readonly major: number;
  readonly minor: number;
  readonly inode: bigint;
}

/** Returns device and inode as one key, equal for equal files; `undefined` if the fd is not open. */
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

/** Returns the key of a file whose device and inode are known. */
export function fileKey({ major, minor, inode }: FileId): string {
  return `${major}:${minor}:${inode}`;
}
