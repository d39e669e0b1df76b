/**
 * Creates many trampolines in a fresh process and prints the cost of one, as JSON: a child of many.ts and memory.ts.
 *
 *     node [--expose-gc] build/bench/many.child.js table|columns|atomic|slow|single|libffi|libffcall|stores 1000
 *
 * With `--expose-gc`, memory is measured after garbage collections and includes V8's heap.
 */
import { readFileSync } from 'node:fs';
import { addressOf, createTrampoline, createTrampolineTable } from 'trampfd';
import { assertResult } from './harness.js';
import { assertEach, native, Run, target } from './native.js';
import { type Usage, usage, usagePer } from './usage.js';

/** The measurements of one process. */
export interface ManyFigures extends Usage {
  readonly made: number;
  /** Nanoseconds per trampoline. */
  readonly time: number;
  /** Mappings that contain the addresses, if none of their pages is in memory. */
  readonly addressMappings: number;
}

const [, , way, number] = process.argv;
const count = Number(number);
const pc = target();
/** The third argument of each. */
const values = new BigUint64Array(count).map((_, index) => BigInt(index) << 20n);
/** Written once, so that its memory is resident before the measurement. */
const addresses = values.slice();

const ways: Readonly<Record<string, () => void>> = {
  table: () => addEach({}),
  atomic: () => addEach({ atomic: true }),
  slow: () => addEach({ mode: 'slow' }),
  columns: () => addresses.set(createTrampolineTable({ registers: ['arg2'] }).addMany({ pc, arg2: values })),
  single: () => {
    // Trampolines without a reference are not freed: C may hold the address.
    for (let i = 0; i < count; i++)
      addresses[i] = createTrampoline({ registers: { pc, arg2: values[i]! } }).address;
  },
  libffi: () => createInC('closure_each', 'libffi'),
  libffcall: () => createInC('callback_each', 'libffcall'),
  stores: () => createInC('store_each', 'loop'),
};

const create = ways[way!]!;
// Loads the libraries and prepares shared state.
if (way === 'libffi') native('closure', 'libffi')(new Run({ count: 0 }));
if (way === 'libffcall') native('callback', 'libffcall')(new Run({ count: 0 }));
if (globalThis.gc !== undefined) growYoungGeneration();

const before = collectedUsage();
const start = process.hrtime.bigint();
create();
const time = Number(process.hrtime.bigint() - start);
const after = collectedUsage();
assertCreated();
const figures: ManyFigures = {
  made: count,
  time: time / count,
  ...usagePer(count, before, after),
  addressMappings: way === 'slow' ? nonResidentMappings() : 0,
};
console.log(JSON.stringify(figures));

function addEach(layout: { atomic?: boolean; mode?: 'slow' }): void {
  const table = createTrampolineTable({ registers: ['arg2'], ...layout });
  for (let i = 0; i < count; i++) addresses[i] = table.add({ pc, arg2: values[i]! });
}

function createInC(name: string, library: 'libffi' | 'libffcall' | 'loop'): void {
  native(name, library)(new Run({ third: pc, count, extra: addressOf(addresses) }));
}

/** Throws unless each address is that of a trampoline or, without trampolines, of a slot with its value. */
function assertCreated(): void {
  const sum = values.reduce((total, value) => total + value);
  if (way === 'stores') {
    const run = new Run({ count, extra: addressOf(addresses) });
    native('sum_stored')(run);
    assertResult(way, run.sum, sum);
  } else {
    assertEach(way!, addresses, sum);
  }
}

/** Creates garbage until V8's young generation has its full size. */
function growYoungGeneration(): void {
  const table = createTrampolineTable({ registers: ['arg2'] });
  for (let i = 0; i < count; i++) table.delete(table.add({ pc, arg2: values[i]! }));
}

/** With `--expose-gc`, `pss` includes the used part of V8's heap. Its pages may count twice, never less than once. */
function collectedUsage(): Usage {
  if (globalThis.gc === undefined) return usage();
  globalThis.gc();
  globalThis.gc();
  const now = usage();
  return { ...now, pss: now.pss + process.memoryUsage().heapUsed };
}

/** Counts the mappings that contain the addresses. Throws if a page of them is in memory. */
function nonResidentMappings(): number {
  const smaps = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const containing = smaps.filter((text) => {
    const [start, end] = text
      .slice(0, text.indexOf(' '))
      .split('-')
      .map((hex) => BigInt(`0x${hex}`));
    return addresses.some((address) => start! <= address && address < end!);
  });
  if (!containing.every((text) => /^Rss: +0 kB$/m.test(text))) throw new Error('addresses are in memory');
  return containing.length;
}
