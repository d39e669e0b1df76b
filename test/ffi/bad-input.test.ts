/** Wrong arguments are rejected with a reason, and change nothing. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { callbackStats, createCallback, nativeFunction, struct, symbolAddress } from 'trampfd';

const labs = symbolAddress('labs');
const callback = createCallback as (...args: unknown[]) => { close(): void };
const native = nativeFunction as (...args: unknown[]) => (...args: unknown[]) => unknown;

describe('createCallback', () => {
  const fn = () => 0;
  for (const [name, args, error, message] of [
    ['no prototype', [undefined, fn], TypeError, /prototype must be/],
    ['a misspelt type', ['imt (void)', fn], RangeError, /imt/],
    ['no function', ['int (void)', 5], TypeError, /fn must be a function, not a number/],
    ['options that are not an object', ['int (void)', fn, 5], TypeError, /options must be an object/],
    ['an unknown option', ['int (void)', fn, { thread: 'wait' }], TypeError, /no property "thread"/],
    ['an old option', ['int (void)', fn, { threads: 'wait' }], TypeError, /no property "threads"/],
    [
      'an unknown crossThread',
      ['int (void)', fn, { crossThread: 'maybe' }],
      RangeError,
      /crossThread must be/,
    ],
    ['a queue with a result', ['int (void)', fn, { crossThread: 'queue' }], TypeError, /returns void/],
    [
      'awaitResult without a waiting caller',
      ['void (void)', fn, { crossThread: 'queue', awaitResult: true }],
      TypeError,
      /awaitResult requires/,
    ],
    [
      'a wrong awaitResult',
      ['int (void)', fn, { awaitResult: 1 }],
      TypeError,
      /awaitResult must be true or false/,
    ],
    ['an error result of void', ['void (void)', fn, { errorResult: 1 }], TypeError, /errorResult.*void/],
    [
      'an error result of another type',
      ['int (void)', fn, { errorResult: 'x' }],
      TypeError,
      /errorResult must be/,
    ],
    ['one out of range', ['int8_t (void)', fn, { errorResult: 128 }], RangeError, /errorResult must be/],
    ['a name with control characters', ['int (void)', fn, { name: 'a\n' }], RangeError, /name must be/],
    [
      'too much on the stack',
      [{ result: 'void', args: [struct({ bytes: 'char[20000]' })] }, fn],
      RangeError,
      /prototype needs 20000 bytes/,
    ],
  ] as const) {
    test(name, () => {
      const before = callbackStats().live;
      assert.throws(
        () => callback(...args),
        (thrown) => thrown instanceof error && message.test(thrown.message),
      );
      assert.equal(callbackStats().live, before);
    });
  }
});

describe('nativeFunction', () => {
  for (const [name, args, error, message] of [
    ['a misspelt type', ['int (viod)', labs], RangeError, /viod/],
    ['no address', ['int (int)', 0n], RangeError, /address must not be 0/],
    ['an address as a number', ['int (int)', 5], TypeError, /address must be a bigint/],
    ['an unknown option', ['int (int)', labs, { sync: true }], TypeError, /no property "sync"/],
    ['a wrong errno', ['int (int)', labs, { errno: 1 }], TypeError, /errno must be true or false/],
    ['a wrong fiber', ['int (int)', labs, { fiber: 'own' }], TypeError, /fiber must be true or false/],
    [
      'an option that became a method',
      ['int (int)', labs, { async: true }],
      TypeError,
      /no property "async"/,
    ],
    ['an old option', ['int (int)', labs, { stack: 'own' }], TypeError, /no property "stack"/],
  ] as const) {
    test(name, () => {
      assert.throws(
        () => native(...args),
        (thrown) => thrown instanceof error && message.test(thrown.message),
      );
    });
  }

  const ranges = {
    int8_t: [-128, 127],
    uint8_t: [0, 255],
    int16_t: [-32768, 32767],
    uint16_t: [0, 65535],
    int: [-(2 ** 31), 2 ** 31 - 1],
    'unsigned int': [0, 2 ** 32 - 1],
  } as const;
  for (const [type, [min, max]] of Object.entries(ranges)) {
    test(`arguments of type ${type}`, () => {
      const call = native(`${type} (${type})`, labs);
      for (const value of [min - 1, max + 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        assert.throws(() => call(value), /argument 1 of .* must be a whole number from/);
      }
      for (const value of [undefined, null, '1', 1n, true, {}, { valueOf: () => 1 }]) {
        assert.throws(() => call(value), TypeError);
      }
      assert.equal(call(max), max);
    });
  }

  test('64-bit arguments', () => {
    const call = native('long (long)', labs);
    for (const value of [2n ** 63n, -(2n ** 63n) - 1n, 0.5, 2 ** 53])
      assert.throws(() => call(value), RangeError);
    for (const value of ['1', undefined, null, {}]) assert.throws(() => call(value), TypeError);
    const unsigned = native('size_t (size_t)', labs);
    for (const value of [-1, -1n, 2n ** 64n]) assert.throws(() => unsigned(value), RangeError);
  });

  test('floats, flags, pointers, text', () => {
    for (const value of ['1', 1n, undefined, null, true]) {
      assert.throws(() => native('double (double)', labs)(value), TypeError);
      assert.throws(() => native('float (float)', labs)(value), TypeError);
    }
    for (const value of [0, 1, 'true', undefined])
      assert.throws(() => native('bool (bool)', labs)(value), TypeError);
    for (const value of ['text', undefined, {}, [1]]) {
      assert.throws(() => native('void *(void *)', labs)(value), TypeError);
    }
    for (const value of [-1n, 2n ** 64n, -1, 0.5])
      assert.throws(() => native('void *(void *)', labs)(value), RangeError);
    const strlen = native('size_t (const char *)', symbolAddress('strlen'));
    for (const value of [1, 1n, undefined, {}]) assert.throws(() => strlen(value), TypeError);
    assert.throws(() => strlen('a\0b'), RangeError);
  });

  test('structures', () => {
    const point = struct({ x: 'int', y: 'int8_t[2]' });
    const call = native({ result: 'int', args: ['int', point] }, labs);
    for (const value of [undefined, null, 5, {}, { x: '1', y: [1, 2] }, { x: 1, y: 5 }]) {
      assert.throws(() => call(1, value), TypeError);
    }
    for (const value of [
      { x: 1, y: [1] },
      { x: 0.5, y: [1, 2] },
      { x: 1, y: [1, 200] },
    ]) {
      assert.throws(() => call(1, value), RangeError);
    }
    assert.throws(() => call(1, { x: 1, y: [1, 200] }), /argument 2 of .*\.y\[1\] must be a whole number/);
    const hostile = {
      get x(): number {
        throw new Error('from a getter');
      },
      y: [0, 0],
    };
    assert.throws(() => call(1, hostile), /from a getter/);
    assert.equal(call(5, { x: 1, y: [1, 2] }), 5);
  });
});
