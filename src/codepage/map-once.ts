import { MAP_ANONYMOUS, MAP_PRIVATE, mmap, PROT_NONE, pageSize } from '../linux/mm/memory.js';
import { hostMachine } from '../native/host.js';
import { memfd } from './memfd.js';

/**
 * Maps up to one page of code permanently, from a memfd. Unlike `mapCode`, it does not load the other methods, which
 * would delay a program that starts.
 */
export function mapOnce({ key, bytes }: { key: string; bytes: Uint8Array }, attempt: string): bigint {
  const length = pageSize();
  const code = memfd.prepare({ key, bytes: hostMachine().trampolines.padWithTraps(bytes, length) });
  try {
    const address = mmap({ length, prot: PROT_NONE, flags: MAP_PRIVATE | MAP_ANONYMOUS }, attempt);
    code.mapAt(address);
    return address;
  } finally {
    code.close();
  }
}
