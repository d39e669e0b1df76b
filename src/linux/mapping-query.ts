/** Which mapping of a process an address lies in, and of which file. */

import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { close, open } from './descriptors.js';
import { fileKey } from './file-identity.js';
import { errno, libc } from './libc.js';
import { addressOfBytes } from './memory.js';

const { ENOENT } = constants.errno;

/** `_IOWR('f', 17, struct procmap_query)`: <linux/fs.h>, Linux 6.11. */
export const PROCMAP_QUERY = 0xc0686611;
/** `struct procmap_query`, in bytes. Checked against C by a test. */
export const procmapQuery = {
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

const query = new DataView(new ArrayBuffer(procmapQuery.size));

/** Asks about one process. It holds a descriptor, until it is closed, and is stale when the process has executed. */
export class MappingQuery {
  readonly #pid: number;
  readonly #fd: number;

  constructor(pid: number) {
    this.#pid = pid;
    this.#fd = open(`/proc/${pid}/maps`, 0, `read the mappings of process ${pid}`);
  }

  at(address: bigint): FileMapping | undefined {
    query.setBigUint64(0, BigInt(procmapQuery.size), true);
    query.setBigUint64(procmapQuery.flags, 0n, true);
    query.setBigUint64(procmapQuery.address, address, true);
    if (libc().ioctl(this.#fd, PROCMAP_QUERY, addressOfBytes(query)) === 0) {
      return {
        start: query.getBigUint64(procmapQuery.start, true),
        end: query.getBigUint64(procmapQuery.end, true),
        executable: (query.getBigUint64(procmapQuery.vmaFlags, true) & PROCMAP_QUERY_VMA_EXECUTABLE) !== 0n,
        offset: query.getBigUint64(procmapQuery.offset, true),
        file: fileKey({
          major: query.getUint32(procmapQuery.major, true),
          minor: query.getUint32(procmapQuery.minor, true),
          inode: query.getBigUint64(procmapQuery.inode, true),
        }),
      };
    }
    return errno() === ENOENT ? undefined : this.#read(address);
  }

  close(): void {
    close(this.#fd);
  }

  /** Before Linux 6.11: the whole list. */
  #read(address: bigint): FileMapping | undefined {
    for (const line of readFileSync(`/proc/${this.#pid}/maps`, 'latin1').split('\n')) {
      const parts = /^([0-9a-f]+)-([0-9a-f]+) ..(.). ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+)/.exec(line);
      if (parts === null) continue;
      const [, start, end, x, offset, major, minor, inode] = parts as unknown as string[];
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
