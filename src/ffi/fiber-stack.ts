/** The stack of the fiber that runs native calls: one for each JavaScript thread that needs it, for the life of the thread. */
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

/** The default for threads (`ulimit -s`). Only touched pages take memory. */
const fiberStackBytes = 8 * 2 ** 20;
/** Bytes that must be free above the guard page when a call begins, so that deep nesting is an error, not a fault. */
const minFreeBytes = 2 ** 18;

const indices = {
  fiberSp: stateLayout.fiberSp / 4,
  fiberStack: stateLayout.fiberStack / 4,
  fiberStackLength: stateLayout.fiberStackLength / 4,
};

/**
 * Maps the stack if there is none, and checks that a call has enough of it.
 * @throws RangeError if too many calls are suspended on the stack
 * @throws TrampfdError if the system refuses the stack
 */
export function ensureFiberStack({ u32, u64 }: GlueState): void {
  if (u32[indices.fiberStackLength] === 0) mapFiberStack(u64);
  // The stack is shorter than 4 GiB: the low 32 bits are enough.
  else if ((u32[indices.fiberSp]! - u32[indices.fiberStack]!) >>> 0 < pageSize() + minFreeBytes) {
    throw new RangeError(
      `Cannot call a native function on the fiber: calls are nested too deeply for its stack of ${fiberStackBytes} bytes`,
    );
  }
}

function mapFiberStack(u64: BigUint64Array): void {
  // Without MAP_STACK the first access may map a huge page (since Linux 6.7, if THP is "always").
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
