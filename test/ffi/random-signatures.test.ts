/** Every type in every position, both ways, beside gcc: random signatures with values that both sides know. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createCallback, nativeFunction, symbolAddress, viewMemory } from '#src/index.js';
import { needs } from '../support/needs.js';
import { randomFor, rounds } from '../support/random.js';
import { randomFunctions } from '../support/random-signatures.js';

const batch = 500;
/** On JavaScript's thread, on a stack of its own, on another thread. */
const ways = [{}, { fiber: true }, { async: true }] as const;

test('C and JavaScript see the same arguments and results', { skip: needs('gcc') }, async (t) => {
  const random = randomFor(t);
  for (let left = rounds({ normal: 4 * batch, long: 200 * batch }); left > 0; left -= batch) {
    const { functions, source } = randomFunctions(random, batch);
    const folder = mkdtempSync(join(tmpdir(), 'trampfd-test-'));
    try {
      const library = join(folder, 'functions.so');
      writeFileSync(join(folder, 'functions.c'), source);
      const flags = ['-O0', '-w', '-shared', '-fPIC', '-o', library];
      execFileSync('gcc', [...flags, join(folder, 'functions.c')]);
      const wrong = new Int32Array(viewMemory(symbolAddress('wrong', library), 4).buffer);
      for (const [number, { signature, args, result, c }] of functions.entries()) {
        const called = nativeFunction(
          signature,
          symbolAddress(`called_${number}`, library),
          random.pick(ways),
        );
        wrong[0] = 0;
        assert.deepEqual(await called(...(args as never[])), result, c);
        assert.equal(wrong[0], 0, c);

        let given: unknown;
        const closure = createCallback(signature, (...got) => {
          given = got;
          return result as never;
        });
        for (const way of ways) {
          const calls = nativeFunction('int (void *)', symbolAddress(`calls_${number}`, library), way);
          given = undefined;
          assert.equal(await calls(closure.address), 1, c);
          assert.deepEqual(given, args, c);
        }
        closure.close();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});
