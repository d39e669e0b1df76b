import { measure } from './measure.mjs';

const { symbols } = Deno.dlopen(Deno.args[0], { closure_loop: { parameters: ['buffer'], result: 'void' } });
const types = { parameters: ['usize', 'usize'], result: 'i32' };
const compare = (a, b) => Number(b - a);
const callback = new Deno.UnsafeCallback(types, compare);
const words = new BigUint64Array(6);
words[0] = BigInt(Deno.UnsafePointer.value(callback.pointer));
measure({
  words,
  loop: () => symbols.closure_loop(words),
  makeAndFree: () => new Deno.UnsafeCallback(types, compare).close(),
});
