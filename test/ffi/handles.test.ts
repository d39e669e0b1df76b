/** The properties of callbacks and native functions, and how they are shown. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { createCallback, nativeFunction, struct, symbolAddress } from 'trampfd';

const hex = (address: bigint): string => `0x${address.toString(16)}`;

describe('a callback', () => {
  test('has properties, also when it is closed', () => {
    const callback = createCallback('int  compare(int)', (value) => value, { name: 'compare' });
    const { address, prototype, name } = callback;
    assert.equal(nativeFunction('int (int)', address)(7), 7);
    assert.deepEqual([prototype, name], ['int compare(int)', 'compare']);
    callback.close();
    assert.deepEqual([callback.address, callback.prototype, callback.name], [address, prototype, name]);
    const other = createCallback('void (void)', () => {});
    assert.equal(other.name, undefined);
    other.close();
  });

  test('is shown in one line', () => {
    const named = createCallback('int (int)', (value) => value, { name: 'compare' });
    const shown = `Callback { address: ${hex(named.address)}, prototype: 'int (int)', name: 'compare' }`;
    assert.equal(inspect(named), shown);
    named.close();
    assert.equal(inspect(named), shown.replace(' }', ', closed }'));
    const unnamed = createCallback('void (void)', () => {});
    assert.equal(
      inspect([unnamed]),
      `[ Callback { address: ${hex(unnamed.address)}, prototype: 'void (void)' } ]`,
    );
    unnamed.close();
  });
});

describe('a native function', () => {
  const labs = symbolAddress('labs');

  test('has the name and the number of arguments of its prototype', () => {
    for (const [prototype, name, length] of [
      ['long labs(long)', 'labs', 1],
      ['long  (* const absolute)( long value )', 'absolute', 1],
      ['long (long)', 'nativeFunction', 1],
      ['long (void)', 'nativeFunction', 0],
      ['void f(int, int, int, int, int, int);', 'f', 6],
      [{ result: 'int', args: ['int', struct({ x: 'int' })] }, 'nativeFunction', 2],
      [{ result: 'int', args: ['const char *'], variadic: ['int', 'int'] }, 'nativeFunction', 3],
    ] as const) {
      for (const options of [{}, { errno: true }, { fiber: true }]) {
        const call = nativeFunction(prototype as string, labs, options);
        assert.deepEqual([call.name, call.length, call.address], [name, length, labs]);
      }
    }
  });

  test('shows its prototype', () => {
    const call = nativeFunction('long\n  labs(long)', labs);
    assert.equal(call.prototype, 'long labs(long)');
    assert.equal(
      inspect(call),
      `NativeFunction { address: ${hex(labs)}, prototype: 'long labs(long)', name: 'labs' }`,
    );
  });

  test('cannot be changed', () => {
    const call = nativeFunction('long labs(long)', labs) as unknown as Record<string, unknown>;
    for (const name of ['async', 'address', 'prototype'])
      assert.throws(() => {
        call[name] = 1;
      }, TypeError);
  });

  test('is called on another thread by async, with any options', async () => {
    for (const options of [{}, { fiber: true }] as const) {
      assert.equal(await nativeFunction('long labs(long)', labs, options).async(-5), 5n);
    }
    const call = nativeFunction('long labs(long)', labs, { errno: true });
    assert.equal((await call.async(-5)).value, 5n);
  });
});
