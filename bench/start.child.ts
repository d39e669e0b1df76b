/**
 * Creates one trampoline in a fresh process, and calls it to prove that it works: a child of start.ts. It has no static imports, since loading
 * those would not be measured.
 *
 *     node build/bench/start.child.js library
 */
const library = process.argv[2]!;

const start = performance.now();
const { createTrampoline, nativeFunction, symbolAddress } = await import('trampfd');
const loaded = performance.now();
const { address } = createTrampoline({ registers: { pc: symbolAddress('add_ints', library), arg1: 3n } });
const created = performance.now();
const sum = nativeFunction('int (int)', address)(4);
if (sum !== 7) throw new Error(`${sum} instead of 7`);
console.log(JSON.stringify({ load: loaded - start, first: created - loaded }));
