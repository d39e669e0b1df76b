import { dlopen, JSCallback, ptr } from 'bun:ffi';
import { measure } from './measure.mjs';

const { symbols } = dlopen(process.argv[2], { closure_loop: { args: ['ptr'], returns: 'void' } });
const types = { args: ['ptr', 'ptr'], returns: 'i32' };
const compare = (a, b) => b - a;
const words = new BigUint64Array(6);
measure({
  words,
  loop: () => symbols.closure_loop(ptr(words)),
  create: () => new JSCallback(compare, types),
  addressOf: (callback) => BigInt(callback.ptr),
  close: (callback) => callback.close(),
});
process.exit();
