/**
 * Creates one trampoline in a fresh process and calls it: a child of start.ts. It has no static imports, since loading
 * those would not be measured.
 *
 *     node build/bench/start.child.js library
 */
const library = process.argv[2]!;

const start = performance.now();
const { createTrampoline, symbolAddress } = await import('trampfd');
const loaded = performance.now();
const { address } = createTrampoline({ registers: { pc: symbolAddress('add_ints', library), arg1: 3n } });
// trampfd has loaded koffi already.
const { default: koffi } = await import('koffi');
const sum = koffi.call(address, koffi.proto('int (int)'), 4) as number;
const called = performance.now();
if (sum !== 7) throw new Error(`${sum} instead of 7`);
console.log(JSON.stringify({ load: loaded - start, first: called - loaded }));
