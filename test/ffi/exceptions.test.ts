/** Errors do not cross native code: C gets the error result, and the JavaScript caller of C the error. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CallbackOptions, createCallback, nativeFunction, viewMemory } from 'trampfd';
import { callMany, eleven, inLibrary } from '../support/callbacks.js';
import { runScript } from '../support/child.js';

const failing = (options: CallbackOptions<'int (int)'>, error: unknown) =>
  createCallback(
    'int (int)',
    () => {
      throw error;
    },
    options,
  );

test('the first error is thrown by the native call', () => {
  const errors: number[] = [];
  const callback = createCallback('int (int)', (index) => {
    errors.push(index);
    throw new RangeError(`error ${index}`);
  });
  assert.throws(() => callMany()(callback.address, 3), new RangeError('error 0'));
  assert.deepEqual(errors, [0, 1, 2]);
  assert.equal(callMany()(createCallback('int (int)', (value) => value).address, 3), 3n);
  callback.close();
});

test('anything can be thrown', () => {
  for (const value of [undefined, null, 0, 'text', Symbol('s'), { a: 1 }]) {
    const callback = failing({}, value);
    try {
      callMany()(callback.address, 1);
      assert.fail('nothing was thrown');
    } catch (error) {
      assert.equal(error, value);
    }
    callback.close();
  }
});

test('native code gets the error result', () => {
  const keep = nativeFunction('void (void *, int)', inLibrary('call_and_keep'));
  const last = new Int32Array(viewMemory(inLibrary('last_result'), 4).buffer);
  for (const [options, expected] of [
    [{}, 0],
    [{ errorResult: -7 }, -7],
  ] as const) {
    const callback = failing(options, new Error('no'));
    last[0] = 99;
    assert.throws(() => keep(callback.address, 1), /no/);
    assert.equal(last[0], expected);
    callback.close();
  }
});

test('native code gets an error result that is a structure in memory', () => {
  const keep = nativeFunction('void (void *)', inLibrary('call_eleven_and_keep'));
  const last = new Float64Array(viewMemory(inLibrary('last_double'), 8).buffer);
  const callback = createCallback(
    eleven,
    () => {
      throw new Error('no structure');
    },
    { errorResult: { numbers: [10, 0, 0, 5], text: null } },
  );
  assert.throws(() => keep(callback.address), /no structure/);
  assert.equal(last[0], 15);
  callback.close();
});

test('a result of another type is an error', () => {
  const last = new Int32Array(viewMemory(inLibrary('last_result'), 4).buffer);
  const keep = nativeFunction('void (void *, int)', inLibrary('call_and_keep'));
  for (const [result, error] of [
    ['1', TypeError],
    [undefined, TypeError],
    [Promise.resolve(1), TypeError],
    [true, TypeError],
    [1n, TypeError],
    [0.5, RangeError],
    [2 ** 31, RangeError],
    [Number.NaN, RangeError],
  ] as const) {
    const callback = createCallback('int (int)', () => result as number, { errorResult: -1 });
    assert.throws(() => keep(callback.address, 1), error);
    assert.equal(last[0], -1);
    callback.close();
  }
});

test('every depth of a recursion can throw', () => {
  for (const depth of [1, 2, 3, 10, 100]) {
    const reached: number[] = [];
    const descend = createCallback('int (int)', (left): number => {
      reached.push(left);
      if (left === 0) throw new Error('at the bottom');
      return call(left - 1);
    });
    const call = nativeFunction('int (int)', descend.address);
    assert.throws(() => call(depth), /at the bottom/);
    assert.equal(reached.length, depth + 1);
    descend.close();
  }
});

test('an inner call has its own errors', () => {
  const bad = failing({}, new Error('no'));
  const good = createCallback('int (int)', (value) => value + 1);
  let turn = 0;
  const outer = createCallback('int (int)', () => {
    turn++;
    if (turn === 1) throw new Error('outer');
    // The error of the first turn is still pending in the outer call.
    assert.equal(callMany()(good.address, 2), 3n);
    assert.throws(() => callMany()(bad.address, 1), /no/);
    return 5;
  });
  assert.throws(() => callMany()(outer.address, 3), /outer/);
  assert.equal(turn, 3);
  for (const callback of [bad, good, outer]) callback.close();
});

test('endless recursion is an error that can be caught', () => {
  const endless = createCallback('int (int)', (value): number => call(value) + 1);
  const call = nativeFunction('int (int)', endless.address);
  for (let turn = 0; turn < 3; turn++) assert.throws(() => call(1), /call stack/);
  endless.close();
  const good = createCallback('int (int)', (value) => value);
  assert.equal(callMany()(good.address, 4), 6n);
  good.close();
});

test('a coroutine of C gets the error result, and its caller an error', () => {
  const callback = createCallback('int (int)', (value) => value, { errorResult: -6 });
  const last = new Int32Array(viewMemory(inLibrary('last_result'), 4).buffer);
  const call = nativeFunction('void (void *)', inLibrary('call_from_coroutine'));
  assert.throws(() => call(callback.address), { code: 'ERR_TRAMPFD_STACK' });
  assert.equal(last[0], -6);
  assert.equal(callMany()(callback.address, 4), 6n);
  callback.close();
});

test('a callback that another library calls on its own stack is not run, and an error is uncaught', () => {
  const { status, stdout, stderr } = runScript(`
    const { createCallback, nativeFunction } = trampfd;
    const callback = createCallback('int (int)', (value) => 2 * value, { errorResult: -3 });
    const alive = setTimeout(() => {}, 60_000);
    process.on('uncaughtException', ({ code, message }) => {
      console.log(code, message);
      clearTimeout(alive);
    });
    // koffi calls C on a stack of its own.
    console.log(koffi.call(callback.address, koffi.proto('int (int)'), 21));
    console.log(nativeFunction('int (int)', callback.address)(21));
  `);
  assert.equal(stderr, '');
  const message = 'Cannot run a callback: C called it on a stack that V8 does not know';
  assert.deepEqual(stdout.trim().split('\n'), ['-3', '42', `ERR_TRAMPFD_STACK ${message}`]);
  assert.equal(status, 0);
});

test('without a JavaScript caller, an error is uncaught', () => {
  const { status, stdout, stderr } = runScript(`
    import { callFromThreads } from './build/test/support/callbacks.js';
    const { createCallback } = trampfd;
    const callback = createCallback('int (int)', () => { throw new Error('from a thread'); }, { errorResult: 5 });
    process.once('uncaughtException', (error) => console.log('uncaught', error.message));
    console.log(await callFromThreads().async(callback.address, 1, 1));
  `);
  assert.equal(stderr, '');
  assert.equal(stdout, 'uncaught from a thread\n5n\n');
  assert.equal(status, 0);
});
