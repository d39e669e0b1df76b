/**
 * Measures the nanoseconds of a call from JavaScript to C: per prototype, the best of all rounds in a second. Other load
 * on the same core can take half of its time, for half a second at once.
 */
import process from 'node:process';
import { assertEqual, library, load, printAndExit, rest } from './ffi.mjs';

const calls = 100_000;
const warmUp = 5;
const duration = 1_000_000_000n;

const { addInts, addDoubles, addSix, readInt, pointerTo } = (await load()).open(library, ...rest);
const number = Int32Array.of(7);
// Each function has a loop of its own, so that engines can inline it.
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
const sixInts = () => {
  let sum = 0;
  for (let index = 0; index < calls; index++) sum += addSix(index, 1, 2, 3, 4, 5);
  return sum;
};
const pointer = () => {
  const address = pointerTo(number);
  let sum = 0;
  for (let index = 0; index < calls; index++) sum += readInt(address);
  return sum;
};
printAndExit({
  ints: measure(ints, (calls * (calls + 1)) / 2),
  doubles: measure(doubles, (calls * (calls + 2)) / 2),
  ...(addSix && { sixInts: measure(sixInts, (calls * (calls + 29)) / 2) }),
  ...(readInt && { pointer: measure(pointer, calls * number[0]) }),
});

function measure(loop, sum) {
  for (let round = 0; round < warmUp; round++) assertEqual(loop(), sum);
  let best = Number.POSITIVE_INFINITY;
  const end = process.hrtime.bigint() + duration;
  for (let start = process.hrtime.bigint(); start < end; ) {
    assertEqual(loop(), sum);
    const now = process.hrtime.bigint();
    best = Math.min(best, Number(now - start) / calls);
    start = now;
  }
  return best;
}
