/** Memory that is read-only at one address, and writable at another one. */
import { close, ftruncate } from '../fs/fds.js';
import { addWriteSeals, memfd_create } from './memfd.js';
import { MAP_FIXED, MAP_SHARED, mmap, munmap, PROT_READ, PROT_WRITE } from './memory.js';

/**
 * Maps zeros read-only at `address`, which must be reserved, and also writable at an address that the kernel chooses.
 * Both map a memfd, which is sealed after the writable mapping is created and before the read-only one: a read-only
 * mapping from before the seal could be made writable, and a writable one cannot be created after it.
 * @returns the address of the writable mapping
 */
export function mapWithWritableAlias(address: bigint, length: number, attempt: string): bigint {
  const fd = memfd_create('trampfd-data', attempt);
  let alias: bigint | undefined;
  try {
    ftruncate(fd, BigInt(length), attempt);
    alias = mmap({ length, prot: PROT_READ | PROT_WRITE, flags: MAP_SHARED, fd }, attempt);
    addWriteSeals(fd, { writableMapping: true }, attempt);
    mmap({ address, length, prot: PROT_READ, flags: MAP_SHARED | MAP_FIXED, fd }, attempt);
    return alias;
  } catch (error) {
    if (alias !== undefined) munmap(alias, length);
    throw error;
  } finally {
    close(fd);
  }
}
