/** The bytes of the code between C and JavaScript. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { builders } from '#src/machine/build/index.js';
import { hostMachine } from '#src/native/host.js';
import { modulePath } from '#src/native/napi.js';

test('the glue depends on the offset of its constants only in distances', () => {
  const [near, far] = [8192, 65536].map((at) => hostMachine().ffi.glue(at));
  assert.ok(near!.bytes.length <= 8192, `${near!.bytes.length} bytes`);
  assert.deepEqual(hostMachine().ffi.glue(8192).bytes, near!.bytes);
  assert.equal(far!.bytes.length, near!.bytes.length);
  for (const at of [near!.callbackEntryOffset, near!.initialiseOffset])
    assert.ok(at % 16 === 0 && at < near!.bytes.length);
});

test('the disassembler decodes all of the glue', () => {
  const { bytes } = hostMachine().ffi.glue(8192);
  // The names of the exported functions follow the code.
  const end = Buffer.from(bytes).indexOf('attach\0');
  const unknown = hostMachine()
    .disassemble(bytes.subarray(0, end), 0n)
    .filter(({ text }) => text === '(unknown)');
  assert.deepEqual(unknown, []);
});

test('functions that C or Node enters begin with a landing pad', () => {
  const { bytes, callbackEntryOffset, initialiseOffset } = hostMachine().ffi.glue(8192);
  const pad = [...builders[process.arch]!.emptyFunction().subarray(0, 4)];
  for (const at of [callbackEntryOffset, initialiseOffset])
    assert.deepEqual([...bytes.subarray(at, at + 4)], pad);
});

test('the module is a shared library without addresses', () => {
  const file = readFileSync(modulePath(process.arch));
  assert.equal(file.subarray(0, 4).toString('latin1'), '\x7fELF');
  assert.ok(file.includes('napi_register_module_v1\0'));
  const data = file.subarray(2 ** 16, 2 ** 16 + 16);
  assert.ok(data.every((byte) => byte === 0));
});
