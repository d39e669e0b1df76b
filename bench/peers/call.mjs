/**
 * Nanoseconds of a call from JavaScript to C: for each signature the best of all rounds in a second. So short a call
 * keeps a core so busy that whoever shares it takes up to half of the time, for half a second at once.
 */
import process from 'node:process';
import { library, load, prove, tell } from './ffi.mjs';

const calls = 100_000;
const warmUp = 5;
const duration = 1_000_000_000n;

const { addInts, addDoubles } = (await load()).open(library);
// A loop for each: an engine that knows the function makes the better code.
const ints = () => {
  let sum = 0;
  for (let index = 0; index < calls; index++) sum += addInts(index, 1);
  return sum;
};
const doubles = () => {
  let sum = 0;
  for (let index = 0; index < calls; index++) sum += addDoubles(index, 1.5);
  return sum;
};
tell({
  ints: measure(ints, (calls * (calls + 1)) / 2),
  doubles: measure(doubles, (calls * (calls + 2)) / 2),
});

function measure(loop, sum) {
  for (let round = 0; round < warmUp; round++) prove(loop(), sum);
  let best = Number.POSITIVE_INFINITY;
  const end = process.hrtime.bigint() + duration;
  for (let start = process.hrtime.bigint(); start < end; ) {
    prove(loop(), sum);
    const now = process.hrtime.bigint();
    best = Math.min(best, Number(now - start) / calls);
    start = now;
  }
  return best;
}
