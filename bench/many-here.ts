/**
 * Makes many trampolines in a fresh process and prints what one of them took, as JSON: a child of many.ts.
 *
 *     node build/bench/many-here.js table|columns|atomic|slow|single|libffi|libffcall 1000
 */
import { addressOf, createTrampoline, createTrampolineTable } from 'trampfd';
import { native, proveEach, Run, target } from './native.js';
import { usage } from './usage.js';

const [, , way, number] = process.argv;
const count = Number(number);
const pc = target();
/** What each knows; then the addresses. */
const values = new BigUint64Array(count).map((_, index) => BigInt(index) << 20n);
const list = values.slice();

const ways: Readonly<Record<string, () => void>> = {
  table: () => addEach({}),
  atomic: () => addEach({ atomic: true }),
  slow: () => addEach({ mode: 'slow' }),
  columns: () => list.set(createTrampolineTable({ registers: ['arg2'] }).addMany({ pc, arg2: values })),
  single: () => {
    // Trampolines without a reference are not freed: an address may stand anywhere in C.
    for (let i = 0; i < count; i++)
      list[i] = createTrampoline({ registers: { pc, arg2: values[i]! } }).address;
  },
  libffi: () => inC('closure_each', 'libffi'),
  libffcall: () => inC('callback_each', 'libffcall'),
};

const make = ways[way!]!;
// What all share is prepared, and loaded libraries are there.
if (way === 'libffi') native('closure', 'libffi')(new Run({ count: 0 }));
if (way === 'libffcall') native('callback', 'libffcall')(new Run({ count: 0 }));

const before = usage();
const start = process.hrtime.bigint();
make();
const time = Number(process.hrtime.bigint() - start);
const after = usage();
proveEach(
  way!,
  list,
  values.reduce((sum, value) => sum + value),
);
console.log(
  JSON.stringify({
    made: count,
    time: time / count,
    own: (after.own - before.own) / count,
    resident: (after.resident - before.resident) / count,
    mappings: after.mappings - before.mappings,
  }),
);

function addEach(layout: { atomic?: boolean; mode?: 'slow' }): void {
  const table = createTrampolineTable({ registers: ['arg2'], ...layout });
  for (let i = 0; i < count; i++) list[i] = table.add({ pc, arg2: values[i]! });
}

function inC(name: string, from: 'libffi' | 'libffcall'): void {
  native(name, from)(new Run({ count, extra: addressOf(list) }));
}
