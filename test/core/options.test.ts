/** Options that were renamed in version 1: the error for an old name says the new one. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { renamedOptionAdvice } from '#src/core/renamed-options.js';
import { knownOptions } from '#src/core/validate.js';
import { diagnose } from '#src/doctor/diagnose.js';
import { createCallback } from '#src/ffi/callback.js';
import { nativeFunction } from '#src/ffi/native-function.js';
import { spawnSupervised } from '#src/supervisor/supervise.js';
import { createRegisterHandler } from '#src/trampolines/create-register-handler.js';
import { createTrampolineTable } from '#src/trampolines/create-table.js';
import { createTrampoline } from '#src/trampolines/create-trampoline.js';

/** Options as JavaScript programs pass them: unchecked. */
type Options = Readonly<Record<string, unknown>>;

const functions: Readonly<
  Record<
    string,
    { readonly call: (options: Options) => unknown; readonly renamed: Readonly<Record<string, string>> }
  >
> = {
  createTrampoline: {
    call: (options) => createTrampoline(options as unknown as Parameters<typeof createTrampoline>[0]),
    renamed: { stack: 'use stackData', method: 'use codeSource' },
  },
  createTrampolineTable: {
    call: (options) =>
      createTrampolineTable(options as unknown as Parameters<typeof createTrampolineTable>[0]),
    renamed: { stack: 'use stackData', method: 'use codeSource' },
  },
  createRegisterHandler: {
    call: (options) =>
      createRegisterHandler(options as unknown as Parameters<typeof createRegisterHandler>[0]),
    renamed: { method: 'use codeSource' },
  },
  createCallback: {
    call: (options) => createCallback('void ()', () => {}, options),
    renamed: { threads: 'use crossThread', await: 'use awaitResult' },
  },
  nativeFunction: {
    call: (options) => nativeFunction('void ()', 1n, options),
    renamed: { stack: 'use fiber', async: 'call fn.async(…)' },
  },
  spawnSupervised: {
    call: (options) => spawnSupervised('true', [], options),
    renamed: { harden: 'use restrictions' },
  },
  diagnose: {
    call: (options) => diagnose(options),
    renamed: { under: 'use restrictions' },
  },
};

for (const [name, { call, renamed }] of Object.entries(functions)) {
  describe(name, () => {
    for (const [oldName, advice] of Object.entries(renamed)) {
      test(`${oldName}: ${advice}`, async () => {
        await assert.rejects(async () => call({ [oldName]: undefined }), {
          name: 'TypeError',
          message: `options has no property "${oldName}"; ${advice}`,
        });
      });
    }
  });
}

test('an old name is unknown to a function that has no replacement for it', () => {
  assert.throws(() => knownOptions({ threads: 'wait' }, 'options', ['mode', 'count']), {
    name: 'TypeError',
    message: 'options has no property "threads"; it takes mode, count',
  });
});

test('names of Object.prototype have no replacement', () => {
  for (const name of ['constructor', 'toString', '__proto__']) {
    assert.equal(renamedOptionAdvice(name, ['stackData', 'fiber']), undefined);
  }
});
