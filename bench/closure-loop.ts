/** The loop in C that calls closures: what it is told, and whether it did its work. */
import { prove } from './harness.js';
import { Run } from './native.js';

/** An address that nobody reads: comparators get it, and another a little behind. */
const base = 0x10000n;

/** For `closure_loop`. */
export function runFor(address: bigint, calls: number): Run {
  return new Run({ call: address, second: base, count: calls });
}

/** Nanoseconds of one call. Throws unless each gave the distance of what it was given. */
export function checked(what: string, run: Run): number {
  const calls = Number(run.words[3]);
  let sum = 0;
  for (let index = 0; index < calls; index++) sum += 3 + (index & 7);
  prove(what, run.sum, BigInt(sum));
  run.words[4] = 0n;
  return run.nanoseconds / calls;
}
