/** One-line descriptions of handles, as `console.log` prints them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { createRegisterHandler, createTrampoline, createTrampolineTable, symbolAddress } from 'trampfd';

const pc = symbolAddress('getpid');
const hex = (address: bigint): string => `0x${address.toString(16)}`;

test('a trampoline', () => {
  const plain = createTrampoline({ registers: { pc } });
  assert.equal(inspect(plain), `Trampoline { address: ${hex(plain.address)}, mode: 'fast' }`);
  plain.close();
  assert.equal(inspect(plain), `Trampoline { address: ${hex(plain.address)}, mode: 'fast', closed }`);
  const named = createTrampoline({ mode: 'slow', registers: { pc }, name: "it's" });
  named.freeze();
  const line = `Trampoline { address: ${hex(named.address)}, mode: 'slow', name: 'it\\'s', frozen }`;
  assert.equal(inspect(named), line);
  assert.equal(inspect({ nested: [named] }, { breakLength: Infinity }), `{ nested: [ ${line} ] }`);
  named.close();
});

test('a table', () => {
  const table = createTrampolineTable({ registers: ['arg0'], name: 'numbers' });
  table.add({ pc, arg0: 1n });
  assert.equal(inspect(table), "TrampolineTable { size: 1, mode: 'fast', name: 'numbers' }");
  table.freeze();
  assert.equal(inspect(table), "TrampolineTable { size: 1, mode: 'fast', name: 'numbers', frozen }");
  table.close();
  assert.equal(inspect(table), "TrampolineTable { size: 0, mode: 'fast', name: 'numbers', closed }");
});

test('a register handler', () => {
  const handler = createRegisterHandler({ handler: pc, name: 'spy' });
  const { address } = handler;
  const fields = `address: ${hex(address)}, handler: ${hex(pc)}, name: 'spy'`;
  assert.equal(inspect(handler), `RegisterHandler { ${fields} }`);
  handler.close();
  assert.equal(`${inspect(handler)}`, `RegisterHandler { ${fields}, closed }`);
});

test('handles are made by functions, and their classes are not exported', async () => {
  const exported = Object.keys(await import('trampfd'));
  for (const name of ['Trampoline', 'TrampolineTable', 'RegisterHandler']) {
    assert.ok(!exported.includes(name), name);
  }
});
