import { dlopen, JSCallback, ptr } from 'bun:ffi';
import { measure } from './measure.mjs';

const { symbols } = dlopen(process.argv[2], { closure_loop: { args: ['ptr'], returns: 'void' } });
const types = { args: ['ptr', 'ptr'], returns: 'i32' };
const compare = (a, b) => b - a;
const callback = new JSCallback(compare, types);
const words = new BigUint64Array(6);
words[0] = BigInt(callback.ptr);
measure({
  words,
  loop: () => symbols.closure_loop(ptr(words)),
  makeAndFree: () => new JSCallback(compare, types).close(),
});
process.exit();
