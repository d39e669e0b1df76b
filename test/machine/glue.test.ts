/** The bytes of the code between C and JavaScript, and of the native module that contains it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { packageVersion } from '#src/core/version.js';
import { builders, nativeModule } from '#src/machine/build/index.js';
import { machines } from '#src/machine/index.js';
import { moduleImports } from '#src/machine/module-layout.js';
import { modulePath } from '#src/native/module.js';

for (const [architecture, machine] of Object.entries(machines)) {
  const builder = builders[architecture]!;

  describe(`the glue for ${architecture}`, () => {
    const { bytes, offsets } = builder.glue();
    const entries = Object.values(offsets);

    test('fits into two pages, with aligned entry points', () => {
      assert.ok(bytes.length <= 8192, `${bytes.length} bytes`);
      for (const at of entries) assert.ok(at % 16 === 0 && at < bytes.length);
    });

    test('is known to the disassembler', () => {
      // The names of the exported functions follow the code.
      const end = Buffer.from(bytes).indexOf('attach\0');
      const unknown = machine
        .disassemble(bytes.subarray(0, end), 0n)
        .filter(({ text }) => text === '(unknown)');
      assert.deepEqual(unknown, []);
    });

    test('has a landing pad where C or Node enters', () => {
      const pad = [...builder.emptyFunction().subarray(0, 4)];
      for (const at of entries) assert.deepEqual([...bytes.subarray(at, at + 4)], pad);
    });
  });

  test(`the native module for ${architecture} holds no addresses, and is the same in each build`, () => {
    const file = readFileSync(modulePath(architecture));
    assert.equal(file.subarray(0, 4).toString('latin1'), '\x7fELF');
    assert.ok(file.includes('napi_register_module_v1\0'));
    // The data precedes the code: 5 program headers after the header of the file.
    const imports = file.subarray(64 + 5 * 56, 64 + 5 * 56 + 8 * moduleImports.length);
    assert.ok(imports.every((byte) => byte === 0));
    assert.deepEqual([...file], [...nativeModule(machine.linux.elfMachine, builder, packageVersion)]);
  });
}
