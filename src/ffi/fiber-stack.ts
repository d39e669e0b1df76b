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
} from '../linux/mm/memory.js';
import { state as stateLayout } from '../machine/glue-layout.js';
import type { GlueState } from './glue-instance.js';

/** What threads have by default (`ulimit -s`). Only what is used takes memory. */
const fiberStackBytes = 8 * 2 ** 20;
/** What a call must find above the guard page, so that calls that are nested too deeply do not end there. */
const minFreeBytes = 2 ** 18;

const indices = {
  fiberSp: stateLayout.fiberSp / 4,
  fiberStack: stateLayout.fiberStack / 4,
  fiberStackLength: stateLayout.fiberStackLength / 4,
};

/**
 * Makes sure that a call finds room.
 * @throws RangeError when too many calls wait on the stack
 * @throws TrampfdError when there is no stack yet, and the system refuses it
 */
export function ensureFiberStack({ u32, u64 }: GlueState): void {
  if (u32[indices.fiberStackLength] === 0) mapFiberStack(u64);
  // The stack is shorter than 4 GiB: the low halves are enough.
  else if ((u32[indices.fiberSp]! - u32[indices.fiberStack]!) >>> 0 < pageSize() + minFreeBytes) {
    throw new RangeError(
      `native calls with fiber: true are nested too deeply: ${fiberStackBytes} bytes are used up`,
    );
  }
}

function mapFiberStack(u64: BigUint64Array): void {
  // Without MAP_STACK the first word may take a huge page (Linux 6.7; where THP is "always").
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
  const prot = PROT_READ | PROT_WRITE;
  const guardBytes = pageSize();
  const address = mmap({ length: guardBytes + fiberStackBytes, prot, flags }, 'map a stack for native calls');
  try {
    mprotect(address, guardBytes, PROT_NONE);
  } catch (error) {
    munmap(address, guardBytes + fiberStackBytes);
    throw error;
  }
  u64[stateLayout.fiberStack / 8] = address;
  u64[stateLayout.fiberSp / 8] = address + BigInt(guardBytes + fiberStackBytes);
  u64[stateLayout.fiberStackLength / 8] = BigInt(guardBytes + fiberStackBytes);
}
