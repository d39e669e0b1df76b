/** Fast calls: the same arguments, results and errors as of other calls, and no JavaScript in between. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { addressOf, createCallback, nativeFunction, struct, symbolAddress, viewMemory } from '#src/index.js';
import { callbacksLibrary, inLibrary } from '../support/callbacks.js';
import { runScript } from '../support/child.js';
import { needs } from '../support/needs.js';
import { optimised, optimises } from '../support/optimised.js';
import { randomFor, rounds } from '../support/random.js';
import { randomFunctions } from '../support/random-prototypes.js';

const fast = { fast: true } as const;
type Loose = (...args: unknown[]) => unknown;
const loose = nativeFunction as unknown as (...args: unknown[]) => Loose;

test('C returns into code that V8 has compiled', () => {
  const address = inLibrary('return_address');
  const ordinary = nativeFunction('unsigned (void)', address);
  const direct = nativeFunction('unsigned (void)', address, fast);
  const fromGlue = direct();
  assert.equal(Math.abs(fromGlue - ordinary()) < 2 ** 16, true);
  optimised(direct);
  assert.equal(direct() !== fromGlue, optimises);
});

test('all types, in optimised code', { skip: needs('gcc') }, (t) => {
  const random = randomFor(t);
  const batch = 250;
  for (let left = rounds({ normal: 2 * batch, long: 40 * batch }); left > 0; left -= batch) {
    const { functions, source } = randomFunctions(random, batch);
    const folder = mkdtempSync(join(tmpdir(), 'trampfd-test-'));
    try {
      const library = join(folder, 'functions.so');
      writeFileSync(join(folder, 'functions.c'), source);
      execFileSync('gcc', ['-O0', '-w', '-shared', '-fPIC', '-o', library, join(folder, 'functions.c')]);
      const wrong = new Int32Array(viewMemory(symbolAddress('wrong', library), 4).buffer);
      for (const [number, { prototype, args, result, c }] of functions.entries()) {
        const called = nativeFunction(prototype, symbolAddress(`called_${number}`, library), fast) as Loose;
        wrong[0] = 0;
        optimised(called, ...args);
        assert.deepEqual(called(...args), result, c);
        assert.equal(wrong[0], 0, c);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});

describe('odd arguments', () => {
  const values = [
    ...[0, -0, 1, -1, 0.5, 127, 128, -129, 255, 256, 65_535, 65_536, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53],
    ...[Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 1e300, NaN, Infinity, -Infinity],
    ...[0n, 1n, -1n, 2n ** 63n, -(2n ** 63n), 2n ** 64n - 1n, 2n ** 64n, 2n ** 80n],
    ...[undefined, null, true, false, '', '1', 'text', {}, [], Symbol.iterator, () => 1, new Date(0)],
    ...[new Uint8Array(0), { valueOf: () => 1 }, Object(1), Object(1n)],
  ];
  const outcome = (fn: Loose, args: readonly unknown[]): unknown => {
    try {
      return { value: fn(...args) };
    } catch (error) {
      return { error: String(error) };
    }
  };
  const types = [
    ...[
      'signed char',
      'unsigned char',
      'short',
      'unsigned short',
      'int',
      'unsigned',
      'bool',
      'float',
      'double',
    ],
    ...['long', 'unsigned long', 'void *'],
  ];
  // A function that returns its only argument; of another type, it is a bit pattern.
  const identity = Object.fromEntries(
    types.map((type) => {
      const library = () => inLibrary(type === 'float' || type === 'double' ? `same_${type}` : 'same_word');
      return [type, library];
    }),
  );
  for (const type of types) {
    for (const pointers of ['bigint', 'number'] as const) {
      test(`${type}, pointers as ${pointers}`, () => {
        const prototype = { result: type, args: [type], pointers };
        const ordinary = loose(prototype, identity[type]!());
        const direct = loose(prototype, identity[type]!(), fast);
        const typical = type === 'bool' ? true : 1;
        for (const first of type === 'void *' || type.endsWith('long') ? [1, 1n] : [typical]) {
          optimised(direct, first as never);
          for (const value of values) {
            // Memory has another address for each call.
            if (value instanceof Uint8Array) continue;
            assert.deepEqual(outcome(direct, [value]), outcome(ordinary, [value]), String(value));
            optimised(direct, first as never);
          }
        }
        assert.deepEqual(outcome(direct, []), outcome(ordinary, []));
        assert.deepEqual(outcome(direct, [typical, 2]), outcome(ordinary, [typical, 2]));
      });
    }
  }
});

test('values that need the ordinary way', () => {
  const strlen = nativeFunction('size_t (const char *)', symbolAddress('strlen'), fast);
  const memory = nativeFunction('size_t (const void *)', symbolAddress('strlen'), fast);
  const strchr = nativeFunction('const char *(const void *, int)', symbolAddress('strchr'), fast);
  const close = nativeFunction('int (int)', symbolAddress('close'), { fast: true, errno: true });
  const quotient = struct({ quot: 'int', rem: 'int' });
  const div = nativeFunction({ result: quotient, args: ['int', 'int'] }, symbolAddress('div'), fast);
  const snprintf = nativeFunction(
    { result: 'int', args: ['void *', 'size_t', 'const char *'], variadic: ['int', 'double'] },
    symbolAddress('snprintf'),
    fast,
  );
  const text = Buffer.from('text\0');
  const output = Buffer.alloc(20);
  const check = (): void => {
    assert.equal(strlen('text'), 4n);
    assert.equal(memory(text), 4n);
    assert.equal(memory(addressOf(text)), 4n);
    assert.equal(strchr(addressOf(text), 0x78), 'xt');
    assert.deepEqual(close(-1), { value: -1, errno: 9 });
    assert.deepEqual(div(7, 2), { quot: 3, rem: 1 });
    assert.equal(snprintf(output, 20, '%d %.1f', 5, 2.5), 5);
    assert.equal(output.toString('latin1', 0, 5), '5 2.5');
  };
  check();
  optimised(strlen, 'text');
  optimised(memory, addressOf(text));
  optimised(strchr, addressOf(text), 0x78);
  optimised(div, 7, 2);
  check();
});

describe('callbacks are refused', () => {
  const code = { code: 'ERR_TRAMPFD_FAST', message: /C called it in a fast call/ };
  const lastResult = new Int32Array(viewMemory(inLibrary('last_result'), 4).buffer);
  let runs = 0;
  const callback = createCallback(
    'int (int)',
    (value) => {
      runs++;
      return value;
    },
    { errorResult: -7 },
  );
  for (const [name, prototype, args] of [
    ['with addresses as bigints', 'void (void *, int)', [callback.address, 5]],
    ['with addresses as numbers', 'void (void *, int)', [Number(callback.address), 5]],
  ] as const) {
    test(name, () => {
      const keep = loose(prototype, inLibrary('call_and_keep'), fast);
      const nothing = nativeFunction('void (void *, int)', inLibrary('call_and_keep'));
      for (let round = 0; round < 3; round++) {
        lastResult[0] = 0;
        assert.throws(() => keep(...args), code);
        assert.equal(lastResult[0], -7);
        // The next call is an ordinary one.
        nothing(callback.address, 6);
        assert.equal(lastResult[0], 6);
        const swallow: Loose = (...values) => {
          try {
            keep(...values);
          } catch {}
        };
        optimised(swallow, ...(args as unknown as never[]));
        assert.throws(() => optimised(keep, ...(args as unknown as never[])), code);
      }
      assert.equal(runs, 3);
      runs = 0;
    });
  }

  test('and run if other native code calls them afterwards', () => {
    const keep = nativeFunction('int (int, int)', inLibrary('add'), fast);
    optimised(keep, 1, 2);
    assert.equal(keep(1, 2), 3);
    const ordinary = nativeFunction('long (void *, int)', inLibrary('call_many'), { fiber: true });
    assert.equal(ordinary(callback.address, 4), 6n);
    runs = 0;
  });
});

describe('options', () => {
  const abs = symbolAddress('abs');
  for (const [name, args, message] of [
    ['a wrong value', ['int (int)', abs, { fast: 1 }], /fast must be true or false/],
    ['fast and fiber', ['int (int)', abs, { fast: true, fiber: true }], /choose one/],
    ['a function pointer', ['int (void (*)(int))', abs, fast], /argument 1 .* is a function pointer/],
    ['a function', ['int (int, int f(int))', abs, fast], /argument 2 .* is a function pointer/],
    ['an array of them', [{ result: 'int', args: ['int (*f[2])(int)'] }, abs, fast], /argument 1 /],
  ] as const) {
    test(name, () => {
      assert.throws(
        () => loose(...args),
        (error) => error instanceof TypeError && message.test(error.message),
      );
    });
  }
});

describe('in other processes', () => {
  const prelude = `
    const inLibrary = (name) => trampfd.symbolAddress(name, ${JSON.stringify(callbacksLibrary())});`;
  const loop = `${prelude}
    const add = trampfd.nativeFunction('int (int, int)', inLibrary('add'), { fast: true });
    const low = trampfd.nativeFunction('unsigned long (void *)', inLibrary('same_word'), { fast: true });
    const callback = trampfd.createCallback('int (int)', (value) => add(value, 1));
    const many = trampfd.nativeFunction('long (void *, int)', inLibrary('call_many'));
    let sum = 0;
    let junk = [];
    for (let index = 0; index < 60_000; index++) {
      sum += add(index & 255, 1) + Number(low(index & 1 ? index : BigInt(index)) - BigInt(index));
      junk.push({ index });
      if (index % 1000 === 0) {
        junk = [];
        sum += Number(many(callback.address, 10)) - 55;
      }
    }
    console.log(sum);`;
  const expected = `${Array.from({ length: 60_000 }, (_, index) => (index & 255) + 1).reduce((a, b) => a + b)}\n`;
  const why = /Cannot make fast calls: (.*)/;
  for (const [name, flags, reason] of [
    ['V8 moves and collects objects at every chance', '--stress-compaction --gc-interval=500', undefined],
    ['V8 does not optimise', '--no-opt', /V8 does not optimise/],
    ['without a JIT compiler', '--jitless', /--jitless/],
    ['without code from text', '--disallow-code-generation-from-strings', /may not compile JavaScript/],
    ['switched off', '', /TRAMPFD_FAST_CALLS is 0/],
  ] as const) {
    const skip = !optimises && name !== 'without a JIT compiler' && 'V8 compiles nothing with --jitless';
    test(name, { skip }, () => {
      const { stdout, stderr, status } = runScript(loop, {
        env: {
          TRAMPFD_DEBUG: '1',
          TRAMPFD_FAST_CALLS: name === 'switched off' ? '0' : '',
        },
        nodeOptions: flags === '' ? [] : flags.split(' '),
      });
      assert.deepEqual({ stdout, status }, { stdout: expected, status: 0 }, stderr);
      if (reason === undefined) assert.doesNotMatch(stderr, why);
      else assert.match(why.exec(stderr)?.[1] ?? '', reason);
    });
  }

  test('functions that were collected are used again', () => {
    const { stdout, stderr } = runScript(
      `${prelude}
      import { setTimeout as sleep } from 'node:timers/promises';
      let sum = 0;
      const round = () => {
        for (let index = 0; index < 1000; index++)
          sum += trampfd.nativeFunction('int (int, int)', inLibrary('add'), { fast: true })(index, -index);
      };
      // With --stress-flush-code, V8 discards compiled code that no longer runs at each collection.
      const used = async () => {
        for (let turn = 0; turn < 20; turn++) {
          gc();
          await sleep(5);
        }
        return process.memoryUsage().heapUsed;
      };
      const rounds = async (count) => {
        for (; count > 0; count--) {
          round();
          gc();
          await sleep(5);
        }
      };
      await rounds(10);
      const before = await used();
      await rounds(20);
      // Node 20 keeps 440 bytes of each function: 9 MB if none were used again.
      const kept = (await used()) - before;
      console.log(sum, kept < 4e6 || kept);`,
      { nodeOptions: ['--expose-gc', '--stress-flush-code'] },
    );
    assert.equal(stdout, '0 true\n', stderr);
  });

  test('Workers, also at once', () => {
    const { stdout, stderr } = runScript(`${prelude}
      import { Worker } from 'node:worker_threads';
      const script = \`Promise.all([import('trampfd'), import('node:worker_threads')]).then(([{ nativeFunction }, { parentPort }]) => {
        const add = nativeFunction('int (int, int)', \${inLibrary('add')}n, { fast: true });
        let sum = 0;
        for (let index = 0; index < 200_000; index++) sum += add(index, -index) + add(1, 0);
        parentPort.postMessage(sum);
      })\`;
      for (let round = 0; round < 3; round++) {
        const sums = [1, 2, 3].map(() => new Promise((resolve, reject) => {
          new Worker(script, { eval: true }).on('message', resolve).on('error', reject);
        }));
        console.log((await Promise.all(sums)).join());
      }`);
    assert.equal(stdout, '200000,200000,200000\n'.repeat(3), stderr);
  });
});
