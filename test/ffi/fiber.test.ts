/** Native calls on a fiber behave like those on the thread's stack, whatever JavaScript does while they are suspended. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { test } from 'node:test';
import v8 from 'node:v8';
import vm from 'node:vm';
import { createCallback, nativeFunction, struct, symbolAddress, viewMemory } from 'trampfd';
import { callFromThreads, callMany, inLibrary } from '../support/callbacks.js';
import { runScript } from '../support/child.js';
import { needs } from '../support/needs.js';
import { randomFor, rounds } from '../support/random.js';

const onFiber = { fiber: true } as const;
const keep = () => nativeFunction('void (void *, int)', inLibrary('call_and_keep'), onFiber);
const lastResult = new Int32Array(viewMemory(inLibrary('last_result'), 4).buffer);
const sumBelow = (count: number): bigint => BigInt((count * (count - 1)) / 2);

test('the fiber has another stack, the same for each call', () => {
  const here = nativeFunction('void *(void *)', inLibrary('stack_of'));
  const there = nativeFunction('void *(void *)', inLibrary('stack_of'), onFiber);
  const distance = (a: bigint | null, b: bigint | null): number => Math.abs(Number(a! - b!));
  assert.ok(distance(here(null), there(null)) > 2 ** 24);
  assert.equal(there(null), there(null));
  // Calls made by a callback are below the suspended call on the stack.
  const addresses: bigint[] = [];
  const callback = createCallback('void (void)', () => addresses.push(there(null)!));
  addresses.unshift(there(callback.address)!);
  assert.ok(addresses[1]! < addresses[0]! && distance(addresses[0]!, addresses[1]!) < 2 ** 12);
  callback.close();
});

/** `MAP_STACK` has an effect since Linux 6.7. */
const [major, minor] = release().split('.').map(Number) as [number, number];
const noHugePages =
  needs('flags of mappings') ||
  (!existsSync('/sys/kernel/mm/transparent_hugepage') && 'needs a kernel with huge pages') ||
  (major * 1000 + minor < 6007 && 'needs Linux 6.7');

test('the stack uses no huge page', { skip: noHugePages }, () => {
  const address = nativeFunction('void *(void *)', inLibrary('stack_of'), onFiber)(null)!;
  const mappings = readFileSync('/proc/self/smaps', 'latin1').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const mapping = mappings.find((text) => {
    const [low, high] = text
      .split(' ')[0]!
      .split('-')
      .map((bound) => BigInt(`0x${bound}`));
    return address >= low! && address < high!;
  });
  assert.match(mapping!, /VmFlags:.* nh/);
});

test('megabytes of the stack can be used', () => {
  const fill = nativeFunction('long (int, void *)', inLibrary('use_stack'), onFiber);
  const callback = createCallback('int (int)', (value) => value + 1);
  assert.equal(fill(7 * 2 ** 20, callback.address), BigInt(7 * 2 ** 20 + 1));
  callback.close();
});

test('calls of both kinds are nested in any order', (t) => {
  const random = randomFor(t);
  const call = { fiber: callMany(onFiber), thread: callMany() };
  for (let round = rounds({ normal: 300, long: 30_000 }); round > 0; round--) {
    const plan = Array.from({ length: random.integer({ from: 2, to: 9 }) }, () => ({
      kind: random.pick(['fiber', 'thread'] as const),
      count: random.integer({ from: 1, to: 3 }),
      fails: random.integer({ to: 7 }) === 0,
    }));
    const shown = JSON.stringify(plan);
    // The result of each level, or undefined if it throws.
    const expected = (level: number): number | undefined => {
      const step = plan[level];
      if (step === undefined) return 1;
      if (step.fails) return undefined;
      const inner = expected(level + 1);
      return inner === undefined ? undefined : step.count * inner;
    };
    const run = (level: number): number => {
      const step = plan[level];
      if (step === undefined) return 1;
      if (step.fails) throw new Error(`level ${level}`);
      const callback = createCallback('int (int)', () => run(level + 1));
      try {
        return Number(call[step.kind](callback.address, step.count));
      } finally {
        callback.close();
      }
    };
    const result = expected(0);
    if (result === undefined) {
      const level = plan.findIndex(({ fails }) => fails);
      assert.throws(() => run(0), { message: `level ${level}` }, shown);
    } else {
      assert.equal(run(0), result, shown);
    }
  }
});

test('errors are thrown from the call, and native code gets the error result', () => {
  const errors: number[] = [];
  const callback = createCallback(
    'int (int)',
    (index) => {
      errors.push(index);
      throw new RangeError(`error ${index}`);
    },
    { errorResult: -3 },
  );
  assert.throws(() => callMany(onFiber)(callback.address, 3), new RangeError('error 0'));
  assert.deepEqual(errors, [0, 1, 2]);
  assert.throws(() => keep()(callback.address, 9), /error 9/);
  assert.equal(lastResult[0], -3);
  callback.close();
});

test('endless recursion is an error that can be caught', () => {
  const endless = createCallback('int (int)', (value): number => call(value) + 1);
  const call = nativeFunction('int (int)', endless.address, onFiber);
  for (let turn = 0; turn < 3; turn++) assert.throws(() => call(1), /call stack|nested too deeply/);
  endless.close();
  // Calls that use more stack than JavaScript does exhaust the fiber's stack first.
  const hungry = createCallback('int (int)', (): number => Number(fill(2 ** 17, hungry.address)));
  const fill = nativeFunction('long (int, void *)', inLibrary('use_stack'), onFiber);
  for (let turn = 0; turn < 3; turn++)
    assert.throws(() => fill(2 ** 17, hungry.address), /nested too deeply/);
  hungry.close();
  const good = createCallback('int (int)', (value) => value);
  assert.equal(callMany(onFiber)(good.address, 4), 6n);
  good.close();
});

test('C returns before a termination of JavaScript takes effect', () => {
  for (const inner of [onFiber, { fiber: false } as const]) {
    let entered = false;
    const spin = createCallback(
      'int (int)',
      () => {
        entered = true;
        return vm.runInContext('for (;;);', context);
      },
      { errorResult: -9 },
    );
    const between = createCallback('int (int)', () => Number(callMany(inner)(spin.address, 3)), {
      errorResult: -8,
    });
    // The time limit belongs to the outermost script: nothing in between can catch it.
    const context = vm.createContext({ run: () => keep()(between.address, 1) });
    lastResult[0] = 0;
    // A limit that is reached before C is entered proves nothing.
    for (let timeout = 200; !entered; timeout *= 2) {
      assert.throws(() => vm.runInContext('run()', context, { timeout }), {
        code: 'ERR_SCRIPT_EXECUTION_TIMEOUT',
      });
    }
    assert.equal(lastResult[0], -8);
    const callback = createCallback('int (int)', (value) => value);
    assert.equal(callMany(onFiber)(callback.address, 10), sumBelow(10));
    for (const made of [spin, between, callback]) made.close();
  }
});

test('calls ended by a time limit leave no error to outer calls', () => {
  const spin = createCallback('int (int)', () => vm.runInContext('for (;;);', vm.createContext()));
  for (const [outer, inner] of [
    [onFiber, onFiber],
    [onFiber, {}],
    [{}, onFiber],
    [{}, {}],
  ] as const) {
    let goneOn = false;
    const run = (): void => {
      try {
        callMany(inner)(spin.address, 2);
      } finally {
        goneOn = true;
      }
    };
    let first: Error | undefined;
    const callback = createCallback('int (int)', (index) => {
      if (index === 0 && first !== undefined) throw first;
      if (index !== 1) return index;
      assert.throws(() => vm.runInContext('run()', vm.createContext({ run }), { timeout: 20 }), {
        code: 'ERR_SCRIPT_EXECUTION_TIMEOUT',
      });
      return 1;
    });
    assert.equal(callMany(outer)(callback.address, 3), 3n);
    first = new Error('the first');
    assert.throws(() => callMany(outer)(callback.address, 3), first);
    assert.equal(goneOn, false);
    callback.close();
  }
  spin.close();
});

test('memory passed to a call that a time limit ends is released', async () => {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as () => void;
  const spin = createCallback('int (void *, void *)', () => vm.runInContext('for (;;);', vm.createContext()));
  for (const options of [onFiber, {}]) {
    const qsort = nativeFunction('void (void *, size_t, size_t, void *)', symbolAddress('qsort'), options);
    const run = (): WeakRef<object> => {
      const memory = Buffer.alloc(2);
      const sort = () => qsort(memory, 2, 1, spin.address);
      assert.throws(() => vm.runInContext('sort()', vm.createContext({ sort }), { timeout: 20 }));
      return new WeakRef(memory);
    };
    const memory = run();
    // The first collection need not find all unreachable objects.
    for (let turn = 0; turn < 20 && memory.deref() !== undefined; turn++) {
      await new Promise(setImmediate);
      collect();
    }
    assert.equal(memory.deref(), undefined);
  }
  spin.close();
});

test('a coroutine of C gets the error result, and its caller an error', () => {
  const callback = createCallback('int (int)', (value) => value, { errorResult: -6 });
  const call = nativeFunction('void (void *)', inLibrary('call_from_coroutine'), onFiber);
  assert.throws(() => call(callback.address), { code: 'ERR_TRAMPFD_STACK' });
  assert.equal(lastResult[0], -6);
  callback.close();
});

test('a callback may close itself, and others be created while it runs', () => {
  const made = createCallback('int (int)', (value) => {
    made.close();
    const other = createCallback('int (int)', (value) => value + 1);
    const sum = callMany(onFiber)(other.address, 3);
    other.close();
    return value + Number(sum);
  });
  assert.equal(callMany(onFiber)(made.address, 1), 6n);
});

test('memory, text, structures and errno', () => {
  const compare = createCallback('int (const void *, const void *)', (a, b) =>
    Buffer.compare(Buffer.from(viewMemory(a!, 1)), Buffer.from(viewMemory(b!, 1))),
  );
  const qsort = nativeFunction('void (void *, size_t, size_t, void *)', symbolAddress('qsort'), onFiber);
  const bytes = Buffer.from('trampoline');
  qsort(bytes, bytes.length, 1, compare.address);
  assert.equal(bytes.toString(), 'aeilmnoprt');
  compare.close();
  const strchr = nativeFunction('const char *(const char *, int)', symbolAddress('strchr'), onFiber);
  assert.equal(strchr('trampoline', 0x70), 'poline');
  const quotient = struct({ quot: 'int', rem: 'int' });
  const div = nativeFunction({ result: quotient, args: ['int', 'int'] }, symbolAddress('div'), onFiber);
  assert.deepEqual(div(17, 5), { quot: 3, rem: 2 });
  const close = nativeFunction('int (int)', symbolAddress('close'), { ...onFiber, errno: true });
  assert.deepEqual(close(-1), { value: -1, errno: 9 });
});

test('other threads call callbacks while C waits', async () => {
  const shared = createCallback('int (int)', (value) => value);
  const threads = callFromThreads().async(shared.address, 2, 500);
  const outer = createCallback('int (int)', (value) => Number(callMany(onFiber)(shared.address, value)));
  for (let turn = 0; turn < 50; turn++) {
    assert.equal(callMany(onFiber)(outer.address, 10), 120n);
    await new Promise(setImmediate);
  }
  assert.equal(await threads, 2n * sumBelow(500));
  for (const callback of [shared, outer]) callback.close();
});

test('the stack is freed with its Worker', () => {
  const { stdout, stderr } = runScript(`
    import { readFileSync } from 'node:fs';
    import { once } from 'node:events';
    import { Worker } from 'node:worker_threads';
    const script = \`import('trampfd').then(({ nativeFunction, symbolAddress }) => {
      nativeFunction('long (long)', symbolAddress('labs'), { fiber: true })(-1n);
    })\`;
    // Stacks of threads have the same length, and a few threads may be created at the same time.
    const isStack = (line) => {
      const [start, end] = line.split(' ')[0].split('-').map((hex) => Number.parseInt(hex, 16));
      return end - start === 8 * 2 ** 20;
    };
    const run = async (count) => {
      for (; count > 0; count--) await once(new Worker(script, { eval: true, execArgv: [] }), 'exit');
      return readFileSync('/proc/self/maps', 'latin1').split('\\n').filter(isStack).length;
    };
    const before = await run(4);
    const grown = await run(16) - before;
    console.log(grown < 8 || grown);
  `);
  assert.equal(stdout, 'true\n', stderr);
});

const limited = { skip: needs('address space of the program alone') };
test('a process without address space for the stack gets an error', limited, () => {
  const { stdout, stderr } = runScript(`
    const { nativeFunction } = trampfd;
    const labs = symbolAddress('labs');
    nativeFunction('long (long)', labs)(-1n);
    const there = nativeFunction('long (long)', labs, { fiber: true });
    const limits = new BigUint64Array(2);
    const setrlimit = koffi.load(null).func('int setrlimit(int, void *)');
    const getrlimit = koffi.load(null).func('int getrlimit(int, void *)');
    getrlimit(9, limits);
    const before = limits[0];
    // Enough for V8, but less than the stack needs.
    const { readFileSync } = await import('node:fs');
    limits[0] = (BigInt(readFileSync('/proc/self/statm', 'latin1').split(' ')[0]) + 1024n) * 4096n;
    setrlimit(9, limits);
    let code;
    try { there(-5n); } catch (error) { code = error.code; }
    limits[0] = before;
    setrlimit(9, limits);
    console.log(code, there(-5n));
  `);
  assert.equal(stdout, 'ENOMEM 5n\n', stderr);
});
