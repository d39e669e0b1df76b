/**
 * Makes a million trampolines in a fresh process and prints what that took, as JSON: the child of memory.ts.
 *
 *     node --expose-gc build/bench/million.js add|addMany|weigh|weighAtomic
 */
import { readFileSync } from 'node:fs';
import { createTrampolineTable } from '#src/index.js';
import { proveEach, target } from './native.js';

export type Way = 'add' | 'addMany' | 'weigh' | 'weighAtomic';

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
if (way === 'add') result.milliseconds = timed(addAll);
else if (way === 'addMany') result.milliseconds = timed(addColumns);
else Object.assign(result, weigh(way === 'weighAtomic'));
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

function addAll(atomic = false): void {
  const table = createTrampolineTable({ registers: ['arg2'], atomic });
  for (let i = 0; i < million; i++) addresses[i] = table.add({ pc, arg2: bound[i]! });
}

function addColumns(): void {
  const table = createTrampolineTable({ registers: ['arg2'] });
  addresses.set(table.addMany({ pc, arg2: bound }));
}

/** Memory that this process got and shares with nobody, and what it holds in JavaScript's heap besides. */
function weigh(atomic: boolean): Million {
  // Garbage of as many additions lets V8's young generation grow to its full size before we look.
  const other = createTrampolineTable({ registers: ['arg2'] });
  for (let i = 0; i < million; i++) other.remove(other.add({ pc, arg2: bound[i]! }));
  const before = usage();
  addAll(atomic);
  const after = usage();
  // The heap's pages are private memory, too. Counting both can only count too much.
  const heap = Math.max(0, after.heap - before.heap);
  return {
    bytes: (after.private + heap - before.private) / million,
    mappings: after.mappings - before.mappings,
  };
}

function usage(): { private: number; heap: number; mappings: number } {
  globalThis.gc?.();
  globalThis.gc?.();
  const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8');
  let kilobytes = 0;
  for (const [, number] of rollup.matchAll(/^Private_\w+: +(\d+) kB$/gm)) kilobytes += Number(number);
  const mappings = readFileSync('/proc/self/maps', 'utf8').split('\n').length - 1;
  return { private: kilobytes * 1024, heap: process.memoryUsage().heapUsed, mappings };
}
