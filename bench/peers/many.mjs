/**
 * Makes callbacks, as many as wanted or as there can be, and proves each: nanoseconds and memory of one, and the
 * mappings of all.
 */
import process from 'node:process';
import { usage } from '../../build/bench/usage.js';
import { library, load, proveCallbacks, rest, tell } from './ffi.mjs';

const wanted = Number(rest[0]);
const { makeCallback, open } = await load();
const { callCallbacks } = open(library);
const add = (first, second) => first + second;
/** Filled once, so that its memory is there before anything is measured. */
const list = new BigUint64Array(wanted).fill(1n);

const before = usage();
const start = process.hrtime.bigint();
const made = makeAll();
const time = Number(process.hrtime.bigint() - start);
const after = usage();
proveCallbacks(callCallbacks, list.subarray(0, made));
tell({
  made,
  time: time / made,
  own: (after.own - before.own) / made,
  resident: (after.resident - before.resident) / made,
  mappings: after.mappings - before.mappings,
});

function makeAll() {
  for (let index = 0; index < wanted; index++) {
    try {
      list[index] = makeCallback(add);
    } catch {
      return index;
    }
  }
  return wanted;
}
