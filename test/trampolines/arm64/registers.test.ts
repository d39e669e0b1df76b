/** What contexts cannot have on arm64. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTrampoline, createTrampolineTable, symbolAddress } from 'trampfd';

const pc = symbolAddress('abs');

test('a jump needs a register that the context does not set', () => {
  const message = 'registers must not set both x16 and x17: one of them carries the PC on arm64';
  const expected = { name: 'RangeError', message };
  assert.throws(() => createTrampoline({ registers: { pc, x16: 1n, x17: 2n } }), expected);
  assert.throws(() => createTrampolineTable({ registers: ['x16', 'x17'] }), expected);
  using single = createTrampoline({ registers: { pc, x16: 1n } });
  assert.throws(() => single.update({ registers: { pc, x16: 1n, x17: 2n } }), expected);
  assert.deepEqual(single.registers, { pc, x16: 1n });
  createTrampoline({ mode: 'slow', registers: { pc, x16: 1n, x17: 2n } }).close();
});
