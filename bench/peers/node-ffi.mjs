import { DynamicLibrary, getRawPointer } from 'node:ffi';
import { measure } from './measure.mjs';

const library = new DynamicLibrary(process.argv[2]);
const types = { arguments: ['pointer', 'pointer'], return: 'i32' };
const compare = (a, b) => Number(b - a);
const words = new BigUint64Array(6);
const run = library.getFunction('closure_loop', { arguments: ['pointer'], return: 'void' });
const address = getRawPointer(words.buffer);
measure({
  words,
  loop: () => run(address),
  create: () => library.registerCallback(types, compare),
  addressOf: (callback) => callback,
  close: (callback) => library.unregisterCallback(callback),
});
