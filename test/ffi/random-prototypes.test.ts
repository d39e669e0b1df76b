/** Random prototypes with random values, compared with gcc in both directions: all types in all positions. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createCallback, nativeFunction, type PrototypeLike, symbolAddress, viewMemory } from '#src/index.js';
import { needs } from '../support/needs.js';
import { optimised, optimises } from '../support/optimised.js';
import { randomFor, rounds } from '../support/random.js';
import { randomFunctions } from '../support/random-prototypes.js';

const batch = 500;
/** A call on the thread's stack, on a fiber, and on another thread. */
const waysWithCallbacks = [
  (prototype: PrototypeLike, address: bigint) => nativeFunction(prototype, address),
  (prototype: PrototypeLike, address: bigint) => nativeFunction(prototype, address, { fiber: true }),
  (prototype: PrototypeLike, address: bigint) => nativeFunction(prototype, address).async,
] as const;
const ways = [
  ...waysWithCallbacks,
  (prototype: PrototypeLike, address: bigint) => {
    const fast = nativeFunction(prototype, address, { fast: true }) as (...args: never[]) => unknown;
    // Calls are fast only in code that V8 has optimised.
    return optimises ? (...args: never[]) => optimised(fast, ...args)(...args) : fast;
  },
] as const;

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
      for (const [number, { prototype, args, result, c }] of functions.entries()) {
        const called = random.pick(ways)(prototype, symbolAddress(`called_${number}`, library));
        wrong[0] = 0;
        assert.deepEqual(await called(...(args as never[])), result, c);
        assert.equal(wrong[0], 0, c);

        let received: unknown;
        const callback = createCallback(prototype, (...values) => {
          received = values;
          return result as never;
        });
        for (const way of waysWithCallbacks) {
          const calls = way('int (void *)', symbolAddress(`calls_${number}`, library));
          received = undefined;
          assert.equal(await calls(callback.address), 1, c);
          assert.deepEqual(received, args, c);
        }
        callback.close();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});
