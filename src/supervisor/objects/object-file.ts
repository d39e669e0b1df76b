/**
 * The memfd of an object. Programs receive a read-only fd; seals prevent all writes and new writable mappings. The
 * supervisor writes through a mapping that it made before it added the seals.
 *
 * The file is sparse: the object begins at `TRAMPFD_OFFSET_BASE`.
 */
import { O_RDWR } from '../../linux/constants.js';
import { close, ftruncate, open } from '../../linux/fs/fds.js';
import { hasNoOtherUsers } from '../../linux/fs/leases.js';
import { fileKeyOfFd } from '../../linux/fs/statx.js';
import { pwriteAll } from '../../linux/fs/write-all.js';
import { addWriteSeals, memfd_create } from '../../linux/mm/memfd.js';
import { MAP_SHARED, mmap, munmap, PROT_READ, PROT_WRITE } from '../../linux/mm/memory.js';
import { copyToMemory } from '../../native/copy-memory.js';

const attempt = 'create a trampoline object';
const O_RDONLY = 0;

export interface ObjectFileOptions {
  /** Offset of the object in the file. */
  readonly base: bigint;
  /** Bytes: whole pages. */
  readonly length: number;
  /** Bytes to write at `base`. */
  readonly content: Uint8Array | undefined;
  /** Whether the supervisor writes later, through a mapping. */
  readonly writable: boolean;
}

export class ObjectFile {
  /** Identifies the file: device and inode. */
  readonly key: string;
  /** Address of the writable mapping; 0 if there is none. */
  readonly address: bigint;
  /** The read-only fd for the program. Closed after delivery. */
  readonly clientFd: number;
  readonly #length: number;
  /** Stays open, to detect whether other fds or mappings exist. */
  readonly #probeFd: number;

  constructor({ base, length, content, writable }: ObjectFileOptions) {
    const fd = memfd_create('trampfd', attempt);
    const openedFds: number[] = [];
    let address = 0n;
    try {
      ftruncate(fd, base + BigInt(length), attempt);
      const path = `/proc/self/fd/${fd}`;
      const probeFd = open(path, O_RDWR, attempt);
      openedFds.push(probeFd);
      this.clientFd = open(path, O_RDONLY, attempt);
      openedFds.push(this.clientFd);
      if (content !== undefined) pwriteAll(fd, { offset: base, bytes: content }, attempt);
      if (writable) {
        const prot = PROT_READ | PROT_WRITE;
        address = mmap({ length, prot, flags: MAP_SHARED, fd: probeFd, offset: base }, attempt);
      }
      addWriteSeals(fd, { writableMapping: writable }, attempt);
      this.key = fileKeyOfFd('self', probeFd)!;
      this.#probeFd = probeFd;
      this.#length = length;
      this.address = address;
    } catch (error) {
      if (address !== 0n) munmap(address, length);
      openedFds.forEach(close);
      throw error;
    } finally {
      close(fd);
    }
  }

  /** Writes bytes at a place that no selector points to. @param offset relative to `base` */
  write(offset: number, bytes: Uint8Array): void {
    copyToMemory(this.address + BigInt(offset), bytes);
  }

  /** Returns whether no process has an fd or a mapping of the file. */
  isUnused(): boolean {
    return hasNoOtherUsers(this.#probeFd);
  }

  closeClientFd(): void {
    close(this.clientFd);
  }

  close(): void {
    if (this.address !== 0n) munmap(this.address, this.#length);
    close(this.#probeFd);
  }
}
