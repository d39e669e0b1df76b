/** Exhausts resources of this process, and releases them step by step. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import koffi from 'koffi';
import { addressOf } from 'trampfd';
import { compileLibrary } from './compile.js';
import { libc, outcome } from './libc.js';

const page = 4096;
const [RLIMIT_NOFILE, RLIMIT_AS] = [7, 9];

/** An exhausted resource. */
export interface Obstacle {
  /** Makes a little of the resource available. */
  yield(): void;
  /** Makes all of the resource available. */
  remove(): void;
}

export const maxMapCount = Number(readFileSync('/proc/sys/vm/max_map_count', 'utf8'));

const [M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX] = [-1, -3, -8];

/**
 * Reserves heap memory, so that `malloc` succeeds later: Node and V8 abort if it fails. Node must run with
 * `--single-threaded`, since other threads have their own heaps.
 */
export function stockUp(): void {
  const chunkBytes = 2 ** 24;
  libc.mallopt(M_ARENA_MAX, 1);
  libc.mallopt(M_TRIM_THRESHOLD, 2 ** 30);
  libc.mallopt(M_MMAP_THRESHOLD, 2 * chunkBytes);
  const chunks = Array.from({ length: 8 }, () => libc.malloc(chunkBytes));
  for (const chunk of chunks) libc.free(chunk);
}

/** Creates mappings until the limit is reached. `yield` makes one more possible. */
export function fillMappings(): Obstacle {
  const library = koffi.load(compileLibrary('fill', ['fill.c']));
  const yieldOne = library.func('int fill_yield()');
  const remove = library.func('int fill_remove()');
  const fill = library.func('long fill_mappings(long)');
  if (fill(maxMapCount) < 0) throw new Error('no memory to fill');
  return { yield: () => yieldOne(), remove: () => remove() };
}

/** Opens fds until the limit is reached. `yield` makes one more possible. */
export function fillDescriptors(): Obstacle {
  const before = limit(RLIMIT_NOFILE);
  const open = Array.from({ length: 16 }, () => openSync('/dev/null', 'r'));
  setLimit(RLIMIT_NOFILE, BigInt(Math.max(...open) + 1));
  while (outcome(() => open.push(openSync('/dev/null', 'r'))) === 'ok');
  return {
    yield: () => closeSync(open.pop()!),
    remove() {
      setLimit(RLIMIT_NOFILE, before);
      for (const fd of open) closeSync(fd);
    },
  };
}

/** Limits the address space to its current size. `yield` adds `step` bytes. */
export function fillAddressSpace(step: number): Obstacle {
  const before = limit(RLIMIT_AS);
  const size = () => BigInt(readFileSync('/proc/self/statm', 'latin1').split(' ')[0]!) * BigInt(page);
  let allowed = size();
  setLimit(RLIMIT_AS, allowed);
  return {
    yield() {
      allowed += BigInt(step);
      setLimit(RLIMIT_AS, allowed);
    },
    remove: () => setLimit(RLIMIT_AS, before),
  };
}

function limit(resource: number): bigint {
  const both = new BigUint64Array(2);
  libc.getrlimit(resource, addressOf(both));
  return both[0]!;
}

/** Sets the soft limit. */
function setLimit(resource: number, value: bigint): void {
  const both = new BigUint64Array(2);
  libc.getrlimit(resource, addressOf(both));
  both[0] = value;
  libc.setrlimit(resource, addressOf(both));
}
