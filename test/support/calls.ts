/** Calls to native addresses with the prototypes that tests need. */
import koffi from './koffi.js';

const comparator = koffi.proto('int (const char *, const char *)');
const getter = koffi.proto('int64_t ()');

/** Calls a comparator of two strings and returns the sign of its result. */
export function compare(address: bigint, a: string, b: string): number {
  return Math.sign(koffi.call(address, comparator, a, b) as number);
}

/** Calls a function without arguments. */
export function callInt64(address: bigint): bigint {
  return BigInt(koffi.call(address, getter) as number | bigint);
}
