/** The stack of native calls that do not run on JavaScript's own: one for each thread that makes such calls, as long as it lives. */
import {
  MAP_ANONYMOUS,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_STACK,
  mmap,
  mprotect,
  munmap,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  pageSize,
} from '../linux/memory.js';
import { state as layout } from '../machine/glue-layout.js';
import type { State } from './environment.js';

/** What threads have by default (`ulimit -s`). Only what is used takes memory. */
const length = 8 * 2 ** 20;
/** What a call must find above the guard page, so that calls that are nested too deeply do not end there. */
const least = 2 ** 18;

const at = { inside: layout.inside / 4, ownStack: layout.ownStack / 4, length: layout.ownStackLength / 4 };

/**
 * Makes sure that a call finds room.
 * @throws RangeError when too many calls wait on the stack
 * @throws TrampfdError when there is no stack yet, and the system refuses it
 */
export function checkOwnStack({ u32, u64 }: State): void {
  if (u32[at.length] === 0) mapStack(u64);
  // The stack is shorter than 4 GiB: the low halves are enough.
  else if ((u32[at.inside]! - u32[at.ownStack]!) >>> 0 < pageSize() + least) {
    throw new RangeError(`native calls with stack: 'own' are nested too deeply: ${length} bytes are used up`);
  }
}

function mapStack(u64: BigUint64Array): void {
  // Without MAP_STACK the first word may take a huge page (Linux 6.7; where THP is "always").
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
  const prot = PROT_READ | PROT_WRITE;
  const guard = pageSize();
  const address = mmap({ length: guard + length, prot, flags }, 'map a stack for native calls');
  try {
    mprotect(address, guard, PROT_NONE);
  } catch (error) {
    munmap(address, guard + length);
    throw error;
  }
  u64[layout.ownStack / 8] = address;
  u64[layout.inside / 8] = address + BigInt(guard + length);
  u64[layout.ownStackLength / 8] = BigInt(guard + length);
}
