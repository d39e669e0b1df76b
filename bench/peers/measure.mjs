/** Measures a runtime's callbacks: `words` is the `struct run` of `native/run.h`. */
import { checkLoop, prepareLoop } from '../../build/bench/callback-loop.js';
import { spread } from '../../build/bench/harness.js';

export const median = (samples) => spread(samples).median;

/**
 * Prints a line of JSON with the nanoseconds of one call and of creating and closing one callback.
 * @param loop calls `closure_loop` with `words`
 * @param create creates a callback with the arguments that the loop passes
 */
export function measure({ words, loop, create, addressOf, close }) {
  const calls = 20_000;
  const creations = 500;
  const samples = { call: [], make: [] };
  const address = addressOf(create());
  for (let round = -10; round < 21; round++) {
    prepareLoop(words, address, calls);
    loop();
    const call = checkLoop(words);
    let created = 0;
    const start = performance.now();
    for (let i = 0; i < creations; i++) {
      const callback = create();
      if (callback) created++;
      close(callback);
    }
    const time = ((performance.now() - start) * 1e6) / creations;
    if (created !== creations) throw new Error(`${created} callbacks created instead of ${creations}`);
    if (round < 0) continue;
    samples.call.push(call);
    samples.make.push(time);
  }
  console.log(JSON.stringify({ call: median(samples.call), make: median(samples.make) }));
}
