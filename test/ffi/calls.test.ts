/** Calls in both directions: cases that random prototypes do not cover. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import {
  addressOf,
  createCallback,
  enumeration,
  nativeFunction,
  struct,
  symbolAddress,
  viewMemory,
} from 'trampfd';
import { callMany, eleven, inLibrary } from '../support/callbacks.js';

test('eleven arguments, a structure in memory, integers and floats mixed', () => {
  const received: unknown[] = [];
  const callback = createCallback(eleven, (...args) => {
    received.push(...args);
    const { numbers, text } = args[4];
    return { numbers: [...numbers].reverse(), text: `A${text}` };
  });
  const call = nativeFunction('double (void *)', inLibrary('call_eleven'));
  assert.equal(call(callback.address), 4.5 + 1.5 + 'A'.charCodeAt(0));
  const structure = { numbers: [1.5, 2.5, 3.5, 4.5], text: 'five' };
  assert.deepEqual(received, [-1, 2.25, -3n, 4.5, structure, 250, 7.75, 8n, -9, 10.5, 11]);
  // The other direction: JavaScript calls it.
  const direct = nativeFunction(eleven, callback.address);
  const result = direct(-1, 2.25, -3, 4.5, structure, 250, 7.75, 8, -9, 10.5, 11);
  assert.deepEqual(result, { numbers: [4.5, 3.5, 2.5, 1.5], text: 'Afive' });
  callback.close();
});

test('variadic functions, called and calling', () => {
  const print = nativeFunction(
    {
      result: 'int',
      args: ['char *', 'size_t', 'const char *'],
      variadic: ['int', 'double', 'const char *', 'long'],
    },
    symbolAddress('snprintf'),
  );
  const buffer = Buffer.alloc(64);
  const length = print(buffer, 64, '%d %g %s %ld', -5, 2.5, 'text', 2n ** 40n);
  assert.equal(buffer.subarray(0, length).toString(), '-5 2.5 text 1099511627776');
  const sum = createCallback(
    { result: 'double', args: ['const char *'], variadic: ['int', 'double', 'const char *', 'long'] },
    (format, ...args) => {
      assert.deepEqual([format, ...args], ['idsl', 1, 2.5, 'text', 4n]);
      return 42.5;
    },
  );
  assert.equal(nativeFunction('double (void *)', inLibrary('call_variadic'))(sum.address), 42.5);
  sum.close();
});

test('arguments shorter than a register: the upper bits are undefined', () => {
  const narrow = createCallback('int8_t (int8_t, int16_t, bool)', (byte, short, flag) => {
    assert.deepEqual([byte, short, flag], [-128, -32768, true]);
    return -7;
  });
  assert.equal(nativeFunction('int (void *)', inLibrary('call_narrow'))(narrow.address), -7);
  narrow.close();
});

test('floats keep every bit', () => {
  const values = [0, -0, 1e-310, Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.NaN, 0.1];
  for (const [type, round] of [
    ['double', (value: number) => value],
    ['float', Math.fround],
  ] as const) {
    const same = createCallback({ result: type, args: [type] }, (value) => value);
    const call = nativeFunction({ result: type, args: [type] }, same.address);
    for (const value of values) assert.ok(Object.is(call(value), round(value)), `${type} ${value}`);
    same.close();
  }
});

test('enumerations', () => {
  const color = enumeration({ red: 0, green: 1, blue: 2 });
  const next = createCallback({ result: color, args: [color] }, (value) => (value + 1) % 3);
  const call = nativeFunction({ result: color, args: [color] }, next.address);
  assert.equal(call(color.values.blue), color.values.red);
  next.close();
});

test('memory and text as arguments', () => {
  const memcmp = nativeFunction('int (const void *, const void *, size_t)', symbolAddress('memcmp'));
  const bytes = Uint8Array.of(1, 2, 3, 4);
  assert.equal(memcmp(bytes, bytes.buffer, 4n), 0);
  assert.equal(memcmp(bytes.subarray(2), Buffer.from([3, 4]), 2), 0);
  assert.equal(memcmp(new DataView(bytes.buffer, 1), new Uint16Array([0x0302]), 2), 0);
  assert.equal(memcmp(addressOf(bytes), null, 0), 0);
  assert.equal(memcmp(new Uint8Array(0), bytes.subarray(2, 2), 0), 0);
  const foreign = runInNewContext('Uint8Array.of(1, 2, 3, 4).buffer');
  assert.equal(memcmp(foreign, bytes, 4), 0);
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  shared.set(bytes);
  assert.equal(memcmp(shared, bytes, 4), 0);
  const strlen = nativeFunction('size_t (const char *)', symbolAddress('strlen'));
  assert.equal(strlen('häß'), 5n);
  assert.equal(strlen(''), 0n);
  const getenv = nativeFunction('const char *(const char *)', symbolAddress('getenv'));
  assert.equal(getenv('PATH'), process.env['PATH']);
  assert.equal(getenv('TRAMPFD_THERE_IS_NO_SUCH_VARIABLE'), null);
});

test('memory as a result', () => {
  const values: (Uint8Array | ArrayBuffer | null)[] = [Uint8Array.of(7), new ArrayBuffer(1), null];
  const next = createCallback('const void *(void)', () => values.shift()!);
  const call = nativeFunction('const void *(void)', next.address);
  assert.equal(viewMemory(call(), 1)[0], 7);
  assert.equal(viewMemory(call(), 1)[0], 0);
  assert.equal(call(), 0n);
  next.close();
});

test('arguments run no code while a call is written', () => {
  const sum = createCallback('long (long, void *, long)', (a, _, b) => a + b);
  const call = nativeFunction('long (long, void *, long)', sum.address);
  const bytes = new Uint8Array(1);
  Object.defineProperty(bytes, 'byteLength', { get: () => call(5n, null, 6n) });
  assert.equal(call(1n, bytes, 2n), 3n);
  sum.close();
});

test('pointers as numbers, bigints and null are the same', () => {
  const labs = nativeFunction(
    { result: 'void *', args: ['void *'], pointers: 'number' },
    symbolAddress('labs'),
  );
  assert.equal(labs(2 ** 47 + 5), 2 ** 47 + 5);
  assert.equal(labs(5n), 5);
  assert.equal(labs(null), 0);
});

test('errno', async () => {
  const call = nativeFunction('int (int)', inLibrary('set_errno_result'), { errno: true });
  assert.deepEqual(call(17), { value: 18, errno: 17 });
  assert.deepEqual(await call.async(18), { value: 19, errno: 18 });
});

test('asynchronous calls', async () => {
  const copy = nativeFunction('void *(void *, const char *)', symbolAddress('strcpy'));
  const target = Buffer.alloc(16);
  const pending = copy.async(target, 'asynchronous');
  assert.ok(pending instanceof Promise);
  assert.equal(await pending, addressOf(target));
  assert.equal(target.subarray(0, 12).toString(), 'asynchronous');
  const labs = nativeFunction('long (long)', symbolAddress('labs'));
  const many = Array.from({ length: 50 }, (_, index) => labs.async(-index));
  assert.deepEqual(
    await Promise.all(many),
    many.map((_, index) => BigInt(index)),
  );
  await assert.rejects(labs.async('x' as never), TypeError);
});

test('recursion, 200 deep', () => {
  const depths: number[] = [];
  const descend = createCallback('int (int)', (depth): number => {
    depths.push(depth);
    return depth === 200 ? 0 : 1 + call(depth + 1);
  });
  const call = nativeFunction('int (int)', descend.address);
  assert.equal(call(1), 199);
  assert.deepEqual(
    depths,
    Array.from({ length: 200 }, (_, index) => index + 1),
  );
  descend.close();
});

test('arguments are read before other calls can change them', () => {
  const inner = createCallback('double (double, int)', (a, b) => a - b);
  const callInner = nativeFunction('double (double, int)', inner.address);
  const outer = createCallback('double (int, double, int)', (a, b, c) => {
    assert.equal(callInner(99.5, 77), 22.5);
    return a + b + c;
  });
  const callOuter = nativeFunction('double (int, double, int)', outer.address);
  assert.equal(callOuter(1, 2.5, 3), 6.5);
  // A getter of an argument makes a call, too.
  const point = struct({ x: 'int', y: 'int' });
  const first = createCallback(
    { result: 'int', args: ['int', point, 'int'] },
    (a, { x, y }, b) => a + x * y + b,
  );
  const call = nativeFunction({ result: 'int', args: ['int', point, 'int'] }, first.address);
  const sly = {
    get x() {
      return callOuter(7, 8, 9);
    },
    y: 2,
  };
  assert.equal(call(1000, sly, 5), 1000 + 48 + 5);
  for (const callback of [inner, outer, first]) callback.close();
});

test('a million calls leave no handles behind', () => {
  const count = createCallback('int (int)', (value) => value & 1);
  const before = memory();
  assert.equal(callMany()(count.address, 1_000_000), 500_000n);
  assert.ok(memory() - before < 50_000, `${memory() - before} kB more`);
  count.close();
});

/** Returns the resident set size in KiB. */
function memory(): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
}

test('text that a function returns stays valid until it returns again', () => {
  const name = createCallback('const char *(int)', (number) => `name ${number}`);
  const call = nativeFunction('char *(int)', name.address);
  const address = call(7);
  assert.equal(Buffer.from(viewMemory(address, 7)).toString(), 'name 7\0');
  name.close();
});
