/** Looking up the mapping at an address of another process. */
import { constants } from 'node:os';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';
import { close, open } from '../fs/fds.js';
import { fileKey } from '../fs/statx.js';
import { mappingOf, mappings } from './proc-maps.js';

const { ENOENT } = constants.errno;

/** `_IOWR('f', 17, struct procmap_query)`: <linux/fs.h>, Linux 6.11. */
export const PROCMAP_QUERY = 0xc0686611;
/** `struct procmap_query`, offsets in bytes. Checked against C by a test. */
export const PROCMAP_QUERY_ARG = {
  ...{ size: 104, flags: 8, address: 16, start: 24, end: 32, vmaFlags: 40, offset: 56 },
  ...{ inode: 64, major: 72, minor: 76 },
} as const;
const PROCMAP_QUERY_VMA_EXECUTABLE = 4n;

export interface FileMapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly executable: boolean;
  /** Offset of `start` in the file, in bytes. */
  readonly offset: bigint;
  /** Key of the file, as from `fileKeyOfFd`; for anonymous memory the inode is 0. */
  readonly file: string;
}

const queryBuffer = new DataView(new ArrayBuffer(PROCMAP_QUERY_ARG.size));

/** Looks up mappings of one process. It holds an fd until it is closed. After an execve of the process it is stale. */
export class MappingQuery {
  readonly #pid: number;
  readonly #fd: number;

  constructor(pid: number) {
    this.#pid = pid;
    this.#fd = open(`/proc/${pid}/maps`, 0, `read the mappings of process ${pid}`);
  }

  /** Returns the mapping that contains an address. */
  mappingAt(address: bigint): FileMapping | undefined {
    queryBuffer.setBigUint64(0, BigInt(PROCMAP_QUERY_ARG.size), true);
    queryBuffer.setBigUint64(PROCMAP_QUERY_ARG.flags, 0n, true);
    queryBuffer.setBigUint64(PROCMAP_QUERY_ARG.address, address, true);
    if (libc().ioctl(this.#fd, PROCMAP_QUERY, addressOfBytes(queryBuffer)) === 0) {
      return {
        start: queryBuffer.getBigUint64(PROCMAP_QUERY_ARG.start, true),
        end: queryBuffer.getBigUint64(PROCMAP_QUERY_ARG.end, true),
        executable:
          (queryBuffer.getBigUint64(PROCMAP_QUERY_ARG.vmaFlags, true) & PROCMAP_QUERY_VMA_EXECUTABLE) !== 0n,
        offset: queryBuffer.getBigUint64(PROCMAP_QUERY_ARG.offset, true),
        file: fileKey({
          major: queryBuffer.getUint32(PROCMAP_QUERY_ARG.major, true),
          minor: queryBuffer.getUint32(PROCMAP_QUERY_ARG.minor, true),
          inode: queryBuffer.getBigUint64(PROCMAP_QUERY_ARG.inode, true),
        }),
      };
    }
    return errno() === ENOENT ? undefined : this.#readMaps(address);
  }

  close(): void {
    close(this.#fd);
  }

  /** Before Linux 6.11: reads all mappings. */
  #readMaps(address: bigint): FileMapping | undefined {
    const mapping = mappingOf(address, mappings(this.#pid));
    if (mapping === undefined) return undefined;
    const { start, end, executable, offset } = mapping;
    return { start, end, executable, offset, file: fileKey(mapping) };
  }
}
