/** Calls from another thread, which waits for each, in Deno. One line of JSON. */
import { median, outcome, prepare } from './measure.mjs';

const [library, calls] = Deno.args;
const { symbols } = Deno.dlopen(library, {
  closure_loop: { parameters: ['buffer'], result: 'void', nonblocking: true },
});
const types = { parameters: ['usize', 'usize'], result: 'i32' };
const callback = Deno.UnsafeCallback.threadSafe(types, (a, b) => Number(b - a));
const words = new BigUint64Array(6);
const samples = [];
for (let round = -2; round < 7; round++) {
  prepare(words, BigInt(Deno.UnsafePointer.value(callback.pointer)), Number(calls));
  await symbols.closure_loop(words);
  const time = outcome(words);
  if (round >= 0) samples.push(time);
}
console.log(JSON.stringify({ deno: median(samples) }));
Deno.exit();
