/**
 * The file behind an object. Programs get a descriptor that only reads, and nobody can write the file or make
 * a writable mapping of it any more; the supervisor goes on writing through the mapping that it made before.
 *
 * It is sparse and begins far out, where the C interface has its offsets.
 */
import { close, open } from '../linux/descriptors.js';
import { fileBehind } from '../linux/file-identity.js';
import { isUnused } from '../linux/leases.js';
import { closeMemfd, memfd_create, sealFile, setLength, writeAt } from '../linux/memfd.js';
import { MAP_SHARED, mmap, munmap, PROT_READ, PROT_WRITE, writeMapped } from '../linux/memory.js';

const attempt = 'make a trampoline object';
const O_RDONLY = 0;
const O_RDWR = 2;

export interface ObjectFileRequest {
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
  readonly reader: number;
  readonly #length: number;
  /** The one descriptor that stays, which tells whether others are left. */
  readonly #keeper: number;

  constructor({ base, length, content, writable }: ObjectFileRequest) {
    const fd = memfd_create('trampfd', attempt);
    const opened: number[] = [];
    let address = 0n;
    try {
      setLength(fd, base + BigInt(length), attempt);
      const path = `/proc/self/fd/${fd}`;
      const keeper = open(path, O_RDWR, attempt);
      opened.push(keeper);
      this.reader = open(path, O_RDONLY, attempt);
      opened.push(this.reader);
      if (content !== undefined) writeAt(fd, { offset: base, bytes: content }, attempt);
      if (writable) {
        const prot = PROT_READ | PROT_WRITE;
        address = mmap({ length, prot, flags: MAP_SHARED, fd: keeper, offset: base }, attempt);
      }
      sealFile(fd, { writableMapping: writable }, attempt);
      this.key = fileBehind('self', keeper)!;
      this.#keeper = keeper;
      this.#length = length;
      this.address = address;
    } catch (error) {
      if (address !== 0n) munmap(address, length);
      opened.forEach(close);
      throw error;
    } finally {
      closeMemfd(fd);
    }
  }

  /** Writes where no program looks yet. */
  write(at: number, bytes: Uint8Array): void {
    writeMapped(this.address + BigInt(at), bytes);
  }

  /** Whether no program holds or maps it. */
  isUnused(): boolean {
    return isUnused(this.#keeper);
  }

  /** When it was given away. */
  closeReader(): void {
    close(this.reader);
  }

  close(): void {
    if (this.address !== 0n) munmap(this.address, this.#length);
    close(this.#keeper);
  }
}
