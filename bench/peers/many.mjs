/**
 * Creates a number of callbacks, or as many as the library permits, and calls each. Measures the nanoseconds and the
 * memory of one, and the mappings of all.
 */
import process from 'node:process';
import { usage, usagePer } from '../../build/bench/usage.js';
import { checkCallbacks, library, load, printAndExit, rest } from './ffi.mjs';

const count = Number(rest[0]);
const { makeCallback, open } = await load();
const { callCallbacks } = open(library);
const add = (first, second) => first + second;
/** Written once, so that its memory is resident before the measurement. */
const list = new BigUint64Array(count).fill(1n);

const before = usage();
const start = process.hrtime.bigint();
const made = createAll();
const time = Number(process.hrtime.bigint() - start);
const after = usage();
checkCallbacks(callCallbacks, list.subarray(0, made));
printAndExit({
  made,
  time: time / made,
  ...usagePer(made, before, after),
});

function createAll() {
  for (let index = 0; index < count; index++) {
    try {
      list[index] = makeCallback(add);
    } catch {
      return index;
    }
  }
  return count;
}
