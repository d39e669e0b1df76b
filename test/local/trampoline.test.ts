import assert from 'node:assert/strict';
import { test } from 'node:test';
import koffi from 'koffi';
import { createTrampoline, symbolAddress } from 'trampfd';

const compare = koffi.proto('int (const char *, const char *)');

test('binds the third argument of memcmp', () => {
  const first = createTrampoline({ registers: { pc: symbolAddress('memcmp'), arg2: 1n } });
  assert.equal(koffi.call(first.address, compare, 'ax', 'ay'), 0);
  first.setRegisters({ pc: symbolAddress('memcmp'), arg2: 2n });
  assert.notEqual(koffi.call(first.address, compare, 'ax', 'ay'), 0);
  first.free();
});
