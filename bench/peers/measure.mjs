/**
 * How C calls a closure in a loop, and what is measured of it: the same for every peer. `words` is the `struct run` of
 * `native/run.h`.
 */
const base = 0x10000n;

export const median = (samples) => samples.sort((a, b) => a - b)[Math.floor(samples.length / 2)];

/** Tells `closure_loop` whom to call, and how often. */
export function prepare(words, address, calls) {
  words.set([address, base, 0n, BigInt(calls), 0n, 0n]);
}

/** Nanoseconds of one call. Throws unless each call was made, was given its arguments, and gave its result. */
export function outcome(words) {
  const calls = Number(words[3]);
  let sum = 0;
  for (let i = 0; i < calls; i++) sum += 3 + (i & 7);
  if (words[4] !== BigInt(sum)) throw new Error(`${words[4]} instead of ${sum}`);
  return Number(words[5]) / calls;
}

/**
 * Prints a line of JSON with nanoseconds for one call, and for one make + free.
 * @param loop calls `closure_loop` with `words`
 * @param make makes a closure, as the loop calls them
 */
export function measure({ words, loop, make, addressOf, free }) {
  const calls = 20_000;
  const makes = 500;
  const samples = { call: [], make: [] };
  const called = addressOf(make());
  for (let round = -10; round < 21; round++) {
    prepare(words, called, calls);
    loop();
    const call = outcome(words);
    let made = 0;
    const start = performance.now();
    for (let i = 0; i < makes; i++) {
      const one = make();
      if (one) made++;
      free(one);
    }
    const time = ((performance.now() - start) * 1e6) / makes;
    if (made !== makes) throw new Error(`${made} made instead of ${makes}`);
    if (round < 0) continue;
    samples.call.push(call);
    samples.make.push(time);
  }
  console.log(JSON.stringify({ call: median(samples.call), make: median(samples.make) }));
}
