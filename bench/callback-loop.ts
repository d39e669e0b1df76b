/**
 * The arguments of the C loop that calls callbacks (`closure_loop` of `native/closure.c`), and the check of its result.
 * Other runtimes import this file, too: `words` is the `struct run` of `native/run.h`.
 */

/** The first pointer argument of every call; the second is 3 to 10 bytes above it. Nothing reads this memory. */
const pointer = 0x10000n;

/** Sets the callback to call, and the number of calls. */
export function prepareLoop(words: BigUint64Array, address: bigint, calls: number): void {
  words.set([address, pointer, 0n, BigInt(calls), 0n, 0n]);
}

/** Returns the nanoseconds of one call. Throws unless every call returned the difference of its arguments. */
export function checkLoop(words: BigUint64Array): number {
  const calls = Number(words[3]);
  let sum = 0;
  for (let index = 0; index < calls; index++) sum += 3 + (index & 7);
  if (words[4] !== BigInt(sum)) throw new Error(`The sum of the results is ${words[4]} instead of ${sum}`);
  words[4] = 0n;
  return Number(words[5]) / calls;
}
