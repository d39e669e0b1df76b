import { measure } from './measure.mjs';

const { symbols } = Deno.dlopen(Deno.args[0], { closure_loop: { parameters: ['buffer'], result: 'void' } });
const types = { parameters: ['usize', 'usize'], result: 'i32' };
const compare = (a, b) => Number(b - a);
const words = new BigUint64Array(6);
measure({
  words,
  loop: () => symbols.closure_loop(words),
  create: () => new Deno.UnsafeCallback(types, compare),
  addressOf: (callback) => BigInt(Deno.UnsafePointer.value(callback.pointer)),
  close: (callback) => callback.close(),
});
