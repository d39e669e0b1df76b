/** Exhausts resources of the process, and releases them piece by piece. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { addressOf } from 'trampfd';
import { compileLibrary } from './compile.js';
import koffi from './koffi.js';
import { libc, outcome } from './libc.js';

const page = 4096;
const [RLIMIT_NOFILE, RLIMIT_AS] = [7, 9];

/** An exhausted resource. */
export interface Obstacle {
  /** Releases one piece. */
  yield(): void;
  /** Releases everything. */
  remove(): void;
}

export const maxMapCount = Number(readFileSync('/proc/sys/vm/max_map_count', 'utf8'));

const [M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX] = [-1, -3, -8];

/**
 * Fills `malloc`'s free lists. Node and V8 abort without memory, so only new mappings may fail. Node must run with
 * `--single-threaded`, since other threads have heaps of their own.
 */
export function stockUp(): void {
  const enough = 2 ** 24;
  libc.mallopt(M_ARENA_MAX, 1);
  libc.mallopt(M_TRIM_THRESHOLD, 2 ** 30);
  libc.mallopt(M_MMAP_THRESHOLD, 2 * enough);
  const pieces = Array.from({ length: 8 }, () => libc.malloc(enough));
  for (const piece of pieces) libc.free(piece);
}

/** Creates mappings until mmap fails. */
export function fillMappings(): Obstacle {
  const library = koffi.load(compileLibrary('fill', ['fill.c']));
  const release = library.func('int fill_yield()');
  const remove = library.func('int fill_remove()');
  const fill = library.func('long fill_mappings(long)');
  if (fill(maxMapCount) < 0) throw new Error('Cannot map memory');
  return { yield: () => release(), remove: () => remove() };
}

/** Opens file descriptors until open fails. */
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

/** Limits the address space to its current size. */
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
