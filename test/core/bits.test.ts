/** Arithmetic and text of sizes, addresses and 64-bit words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alignUp, hex, splitU64 } from '#src/core/bits.js';

test('alignUp: multiples stay, other values grow to the next one', () => {
  const cases = [
    [0, 8, 0],
    [1, 8, 8],
    [8, 8, 8],
    [9, 8, 16],
    [10, 3, 12],
    [2 ** 40 + 1, 4096, 2 ** 40 + 4096],
  ] as const;
  for (const [value, alignment, expected] of cases) assert.equal(alignUp(value, alignment), expected);
});

test('hex: numbers and bigints', () => {
  assert.equal(hex(0), '0x0');
  assert.equal(hex(255), '0xff');
  assert.equal(hex(2n ** 64n - 1n), '0xffffffffffffffff');
});

test('splitU64: unsigned halves', () => {
  assert.deepEqual(splitU64(0x0123_4567_89ab_cdefn), { low: 0x89ab_cdef, high: 0x0123_4567 });
  assert.deepEqual(splitU64(2n ** 64n - 1n), { low: 0xffff_ffff, high: 0xffff_ffff });
  assert.deepEqual(splitU64(0n), { low: 0, high: 0 });
});
