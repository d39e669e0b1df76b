/**
 * Makes a million trampolines in a fresh process and prints what that took, as JSON: the child of memory.ts.
 *
 *     node --expose-gc build/bench/million.js add|addMany|weigh|weighAtomic|weighSlow
 */
import { readFileSync } from 'node:fs';
import { createTrampolineTable, type TrampolineTableOptions } from 'trampfd';
import { proveEach, target } from './native.js';

export type Way = 'add' | 'addMany' | 'weigh' | 'weighAtomic' | 'weighSlow';

/** What one process tells, as far as it measured it. */
export interface Million {
  milliseconds?: number;
  bytes?: number;
  mappings?: number;
}

const million = 1_000_000;
const way = process.argv[2] as Way;
const pc = target();
const bound = new BigUint64Array(million).map((_, index) => BigInt(index) << 20n);
/** The program's own list, filled once so that its memory is there before anything is measured. */
const addresses = new BigUint64Array(million).fill(1n);

const result: Million = {};
if (way === 'add') result.milliseconds = timed(() => addAll());
else if (way === 'addMany') result.milliseconds = timed(addColumns);
else if (way === 'weighSlow') Object.assign(result, weigh({ mode: 'slow' }), { mappings: reserved() });
else Object.assign(result, weigh({ atomic: way === 'weighAtomic' }));
proveEach(
  way,
  addresses,
  bound.reduce((sum, value) => sum + value),
);
console.log(JSON.stringify(result));

function timed(make: () => void): number {
  const start = performance.now();
  make();
  return performance.now() - start;
}

type Layout = Pick<TrampolineTableOptions<'arg2', undefined>, 'atomic' | 'mode'>;

function addAll(layout: Layout = {}): void {
  const table = createTrampolineTable({ registers: ['arg2'], ...layout });
  for (let i = 0; i < million; i++) addresses[i] = table.add({ pc, arg2: bound[i]! });
}

function addColumns(): void {
  const table = createTrampolineTable({ registers: ['arg2'] });
  addresses.set(table.addMany({ pc, arg2: bound }));
}

/**
 * Memory that this process got and shares with nobody, and what it holds in JavaScript's heap besides. What slow
 * trampolines use is mapped twice: PSS counts each of its pages once.
 */
function weigh(layout: Layout): Million {
  // Garbage of as many additions lets V8's young generation grow to its full size before we look.
  const other = createTrampolineTable({ registers: ['arg2'] });
  for (let i = 0; i < million; i++) other.delete(other.add({ pc, arg2: bound[i]! }));
  const before = usage();
  addAll(layout);
  const after = usage();
  // The heap's pages are private memory, too. Counting both can only count too much.
  const heap = Math.max(0, after.heap - before.heap);
  return {
    bytes: (after.private + heap - before.private) / million,
    mappings: after.mappings - before.mappings,
  };
}

/** Mappings that hold the addresses. None of it may be in memory. */
function reserved(): number {
  const smaps = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const holding = smaps.filter((text) => {
    const [start, end] = text.slice(0, text.indexOf(' ')).split('-');
    const [first, behind] = [BigInt(`0x${start}`), BigInt(`0x${end}`)];
    return addresses.some((address) => first <= address && address < behind);
  });
  if (!holding.every((text) => /^Rss: +0 kB$/m.test(text))) throw new Error('addresses are in memory');
  return holding.length;
}

function usage(): { private: number; heap: number; mappings: number } {
  globalThis.gc?.();
  globalThis.gc?.();
  const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8');
  let kilobytes = 0;
  const counted = way === 'weighSlow' ? /^Pss: +(\d+) kB$/gm : /^Private_\w+: +(\d+) kB$/gm;
  for (const [, number] of rollup.matchAll(counted)) kilobytes += Number(number);
  const mappings = readFileSync('/proc/self/maps', 'utf8').split('\n').length - 1;
  return { private: kilobytes * 1024, heap: process.memoryUsage().heapUsed, mappings };
}
