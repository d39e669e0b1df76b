/** Measures the nanoseconds of a call from C to JavaScript, by argument types: the median of 15 rounds. */
import { library, load, printAndExit } from './ffi.mjs';
import { median } from './measure.mjs';

const calls = 20_000;
const rounds = 15;
const warmUp = 5;

const { makeCallback, open, sumPoint = ({ x, y }) => x + y } = await load();
const { time } = open(library);
printAndExit({
  sixInts: measure('time_six_ints', 'sixInts', (a, b, c, d, e, f) => a + b + c + d + e + f),
  doubles: measure('time_doubles', 'doubles', (a, b) => a + b),
  point: measure('time_point', 'point', sumPoint),
});

/** Returns `undefined` if the library does not support these types. */
function measure(name, kind, callee) {
  const callback = makeCallback(callee, kind);
  if (callback === undefined) return undefined;
  const samples = [];
  for (let round = -warmUp; round < rounds; round++) {
    const sample = time(name, callback, calls);
    if (sample < 0) throw new Error(`${name}: a result is wrong`);
    if (round >= 0) samples.push(sample);
  }
  return median(samples);
}
