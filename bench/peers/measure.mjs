/** What every peer measures, in its own process: one line of JSON with nanoseconds for one call, and for one make + free. */
export const base = 0x10000;

/** `sum` of `closure_loop`, when every call was made. */
const sumOf = (count) => {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += 3 + (i & 7);
  return sum;
};

const median = (samples) => samples.sort((a, b) => a - b)[Math.floor(samples.length / 2)];

/**
 * @param loop fills in `words` (struct run) and calls the C loop
 * @param makeAndFree makes a closure and frees it
 */
export function measure({ words, loop, makeAndFree }) {
  const calls = 20_000;
  const makes = 500;
  const samples = [];
  const made = [];
  for (let round = -10; round < 21; round++) {
    words[1] = BigInt(base);
    words[3] = BigInt(calls);
    words[4] = 0n;
    loop(words);
    if (words[4] !== BigInt(sumOf(calls))) throw new Error(`${words[4]} instead of ${sumOf(calls)}`);
    const start = performance.now();
    for (let i = 0; i < makes; i++) makeAndFree();
    const time = ((performance.now() - start) * 1e6) / makes;
    if (round >= 0) samples.push(Number(words[5]) / calls);
    if (round >= 0) made.push(time);
  }
  console.log(JSON.stringify({ call: median(samples), make: median(made) }));
}
