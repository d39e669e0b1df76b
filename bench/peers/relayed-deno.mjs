/** Measures calls from another thread in Deno, which waits for each result. Prints a line of JSON. */
import { checkLoop, prepareLoop } from '../../build/bench/callback-loop.js';
import { median } from './measure.mjs';

const [library, calls] = Deno.args;
const { symbols } = Deno.dlopen(library, {
  closure_loop: { parameters: ['buffer'], result: 'void', nonblocking: true },
});
const types = { parameters: ['usize', 'usize'], result: 'i32' };
const callback = Deno.UnsafeCallback.threadSafe(types, (a, b) => Number(b - a));
const words = new BigUint64Array(6);
const samples = [];
for (let round = -2; round < 7; round++) {
  prepareLoop(words, BigInt(Deno.UnsafePointer.value(callback.pointer)), Number(calls));
  await symbols.closure_loop(words);
  const time = checkLoop(words);
  if (round >= 0) samples.push(time);
}
console.log(JSON.stringify({ deno: median(samples) }));
Deno.exit();
