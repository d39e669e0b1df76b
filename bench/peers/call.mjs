/**
 * Nanoseconds of a call from JavaScript to C: the best of many rounds for each signature. So short a call keeps a core
 * so busy that whoever shares it takes up to half of the time, for milliseconds at once.
 */
import process from 'node:process';
import { library, load, prove, tell } from './ffi.mjs';

const calls = 100_000;
const rounds = 40;
const warmUp = 5;

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
  const samples = [];
  for (let round = -warmUp; round < rounds; round++) {
    const start = process.hrtime.bigint();
    prove(loop(), sum);
    if (round >= 0) samples.push(Number(process.hrtime.bigint() - start) / calls);
  }
  return Math.min(...samples);
}
