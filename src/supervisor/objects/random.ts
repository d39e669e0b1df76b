/** Cryptographically secure random numbers, generated in batches. */
const randomU64s = new BigUint64Array(512);
let nextIndex = randomU64s.length;

export function randomU64(): bigint {
  if (nextIndex === randomU64s.length) {
    // Loaded on first use, as in spawn.ts.
    process.getBuiltinModule('node:crypto').randomFillSync(randomU64s);
    nextIndex = 0;
  }
  return randomU64s[nextIndex++]!;
}
