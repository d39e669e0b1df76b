import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  addressOf,
  createTrampoline,
  createTrampolineTable,
  cString,
  disassemble,
  symbolAddress,
  viewMemory,
} from 'trampfd';
import { callInt64 } from '../support/calls.js';
import koffi from '../support/koffi.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const memset = koffi.load(null).func('void memset(uintptr_t, int, size_t)');

test('symbols of the process and of named libraries', () => {
  assert.equal(callInt64(symbolAddress('getpid')), BigInt(process.pid));
  const cos = koffi.proto('double (double)');
  assert.equal(koffi.call(symbolAddress('cos', 'libm.so.6'), cos, 0), 1);
});

test('a view of native memory is no copy', () => {
  const text = cString('grüße');
  const view = viewMemory(text, 8);
  assert.equal(Buffer.from(view).toString('utf8'), 'grüße\0');
  memset(text, 65, 3);
  assert.deepEqual([...view.subarray(0, 3)], [65, 65, 65]);
  view[0] = 66;
  assert.equal(koffi.decode(text, 'char', 1), 'B');
});

test('the address of a view stays valid across garbage collections, also for small arrays', () => {
  for (const view of [
    new Uint8Array(8),
    new Uint8Array(4096),
    Buffer.from('pooled'),
    new BigUint64Array(1),
  ]) {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const address = addressOf(view);
    for (let round = 0; round < 3; round++) collect();
    memset(address, 0x5a, view.byteLength);
    assert.ok(bytes.every((byte) => byte === 0x5a));
    assert.equal(addressOf(view), address);
  }
  const buffer = new ArrayBuffer(64);
  assert.equal(addressOf(new DataView(buffer, 16)), addressOf(buffer) + 16n);
  assert.ok(addressOf(runInNewContext('new ArrayBuffer(64)')) > 0n);
});

test('disassembly continues with the body of a trampoline and ends with the jump', () => {
  const pc = symbolAddress('getpid');
  const lines = disassemble(createTrampoline({ registers: { pc, arg3: 0x1234n } }).address).split('\n');
  assert.match(lines[0]!, /^[0-9a-f]+: {2}([0-9a-f]{2} )+ +\S+/);
  assert.ok(lines.some((line) => line.endsWith('# 0x1234')));
  // The PC is the word read last: by the jump, or before it.
  assert.ok(lines.findLast((line) => line.includes('#'))!.endsWith(`# 0x${pc.toString(16)}`));
  assert.match(lines.at(-1)!, / (jmp|br) /);
});

test('disassembly of trampolines that jump to each other in a cycle ends', () => {
  const table = createTrampolineTable({ registers: [] });
  const first = table.add({ pc: symbolAddress('getpid') });
  const second = table.add({ pc: first });
  table.set(first, { pc: second });
  const places = disassemble(first)
    .match(/^[0-9a-f]+(?=:)/gm)!
    .map((place) => BigInt(`0x${place}`));
  assert.equal(new Set(places).size, places.length);
  assert.ok([first, second].every((address) => places.includes(address)));
  table.close();
});
