/** Which mapping of a process an address lies in, and of which file. */

import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { errno, libc } from '../../native/libc.js';
import { close, open } from '../fs/fds.js';
import { fileKey } from '../fs/statx.js';
import { addressOfBytes } from '../mm/memory.js';

const { ENOENT } = constants.errno;

/** `_IOWR('f', 17, struct procmap_query)`: <linux/fs.h>, Linux 6.11. */
export const PROCMAP_QUERY = 0xc0686611;
/** `struct procmap_query`, in bytes. Checked against C by a test. */
export const PROCMAP_QUERY_ARG = {
  ...{ size: 104, flags: 8, address: 16, start: 24, end: 32, vmaFlags: 40, offset: 56 },
  ...{ inode: 64, major: 72, minor: 76 },
} as const;
const PROCMAP_QUERY_VMA_EXECUTABLE = 4n;

export interface FileMapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly executable: boolean;
  /** Where in the file `start` stands. */
  readonly offset: bigint;
  /** As `fileBehind` tells it; of anonymous memory the inode is 0. */
  readonly file: string;
}

const queryBuffer = new DataView(new ArrayBuffer(PROCMAP_QUERY_ARG.size));

/** Asks about one process. It holds a descriptor, until it is closed, and is stale when the process has executed. */
export class MappingQuery {
  readonly #pid: number;
  readonly #fd: number;

  constructor(pid: number) {
    this.#pid = pid;
    this.#fd = open(`/proc/${pid}/maps`, 0, `read the mappings of process ${pid}`);
  }

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

  /** Before Linux 6.11: the whole list. */
  #readMaps(address: bigint): FileMapping | undefined {
    for (const line of readFileSync(`/proc/${this.#pid}/maps`, 'latin1').split('\n')) {
      const match = /^([0-9a-f]+)-([0-9a-f]+) ..(.). ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+)/.exec(line);
      if (match === null) continue;
      const [, start, end, x, offset, major, minor, inode] = match as unknown as string[];
      const mapping = {
        start: BigInt(`0x${start}`),
        end: BigInt(`0x${end}`),
        executable: x === 'x',
        offset: BigInt(`0x${offset}`),
        file: fileKey({
          major: Number.parseInt(major!, 16),
          minor: Number.parseInt(minor!, 16),
          inode: BigInt(inode!),
        }),
      };
      if (mapping.start <= address && address < mapping.end) return mapping;
    }
    return undefined;
  }
}
