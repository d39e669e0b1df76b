/** Uses up what a process may have, and gives it back piece by piece. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import koffi from 'koffi';
import { addressOf } from 'trampfd';
import { compileLibrary } from './compile.js';
import { libc, outcome } from './libc.js';

const page = 4096;
export const [RLIMIT_NOFILE, RLIMIT_AS] = [7, 9];

/** Something that is used up. */
export interface Obstacle {
  /** Lets the process have a little more. */
  yield(): void;
  /** Takes it away. */
  remove(): void;
}

export const maxMapCount = Number(readFileSync('/proc/sys/vm/max_map_count', 'utf8'));

const [M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX] = [-1, -3, -8];

/**
 * Lets `malloc` have enough for what follows. Node and V8 end the process when they get no memory, so what is
 * refused must be refused to us alone. Start Node with `--single-threaded`: other threads have heaps of their own.
 */
export function stockUp(): void {
  const enough = 2 ** 24;
  libc.mallopt(M_ARENA_MAX, 1);
  libc.mallopt(M_TRIM_THRESHOLD, 2 ** 30);
  libc.mallopt(M_MMAP_THRESHOLD, 2 * enough);
  const pieces = Array.from({ length: 8 }, () => libc.malloc(enough));
  for (const piece of pieces) libc.free(piece);
}

/** No mapping can be made any more. One that is given back makes room for one. */
export function fillMappings(): Obstacle {
  const library = koffi.load(compileLibrary('fill', ['fill.c']));
  const give = library.func('int fill_yield()');
  const remove = library.func('int fill_remove()');
  const fill = library.func('long fill_mappings(long)');
  if (fill(maxMapCount) < 0) throw new Error('no memory to fill');
  return { yield: () => give(), remove: () => remove() };
}

/** No descriptor can be opened any more. */
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

/** No more address space than there is now. */
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
