/**
 * Words of many slots, written column by column. A word is two 32-bit halves, low half first: V8 would allocate a BigInt
 * for a word of 64 bits until it has optimized a loop, which takes as long as writing 100,000 words.
 */

/** The values of one data word of many slots. */
export interface WordColumn {
  readonly halves: Uint32Array;
  /** Halves from one value to the next: 2, or 0 for a column of one value. */
  readonly step: 0 | 2;
}

/** A place in an array of halves, and the distance from one word to the next. */
interface Cursor {
  readonly halves: Uint32Array;
  readonly start: number;
  readonly step: number;
}

/** Copies `count` words. */
export function copyWords(target: Cursor, source: Cursor, count: number): void {
  const { halves: targetHalves, step: targetStep } = target;
  const { halves: sourceHalves, step: sourceStep } = source;
  let to = target.start;
  let from = source.start;
  for (let index = 0; index < count; index++) {
    targetHalves[to] = sourceHalves[from]!;
    targetHalves[to + 1] = sourceHalves[from + 1]!;
    to += targetStep;
    from += sourceStep;
  }
}

/** Writes `count` addresses, each `stride` bytes after the previous one. All are within one multiple of 4 GiB. */
export function writeAddresses(
  target: Cursor,
  { low, high, stride }: { low: number; high: number; stride: number },
  count: number,
): void {
  const { halves, step } = target;
  let to = target.start;
  let nextLow = low;
  for (let index = 0; index < count; index++) {
    halves[to] = nextLow;
    halves[to + 1] = high;
    to += step;
    nextLow += stride;
  }
}
