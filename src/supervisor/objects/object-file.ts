/**
 * The file behind an object. Programs get a descriptor that only reads, and nobody can write the file or make
 * a writable mapping of it any more; the supervisor goes on writing through the mapping that it made before.
 *
 * It is sparse and begins far out, where the C interface has its offsets.
 */
import { O_RDWR } from '../../linux/constants.js';
import { close, ftruncate, open } from '../../linux/fs/fds.js';
import { hasNoOtherUsers } from '../../linux/fs/leases.js';
import { fileKeyOfFd } from '../../linux/fs/statx.js';
import { pwriteAll } from '../../linux/fs/write-all.js';
import { addWriteSeals, memfd_create } from '../../linux/mm/memfd.js';
import { MAP_SHARED, mmap, munmap, PROT_READ, PROT_WRITE } from '../../linux/mm/memory.js';
import { copyToMemory } from '../../native/memory-view.js';

const attempt = 'make a trampoline object';
const O_RDONLY = 0;

export interface ObjectFileOptions {
  /** Where in the file the object begins. */
  readonly base: bigint;
  /** Bytes from there: whole pages. */
  readonly length: number;
  /** What to write at the beginning. */
  readonly content: Uint8Array | undefined;
  /** Whether the supervisor will write again. */
  readonly writable: boolean;
}

export class ObjectFile {
  /** What tells this file from all others: device and inode. */
  readonly key: string;
  /** Where it can be written; 0 when it cannot. */
  readonly address: bigint;
  /** For reading, to give away. Closed when it was given. */
  readonly clientFd: number;
  readonly #length: number;
  /** The one descriptor that stays, which tells whether others are left. */
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

  /** Writes where no program looks yet. */
  write(offset: number, bytes: Uint8Array): void {
    copyToMemory(this.address + BigInt(offset), bytes);
  }

  /** Whether no program holds or maps it. */
  isUnused(): boolean {
    return hasNoOtherUsers(this.#probeFd);
  }

  /** When it was given away. */
  closeClientFd(): void {
    close(this.clientFd);
  }

  close(): void {
    if (this.address !== 0n) munmap(this.address, this.#length);
    close(this.#probeFd);
  }
}
