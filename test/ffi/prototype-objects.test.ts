/** Prototypes as objects: what C text cannot express. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parsePrototype } from '#src/ffi/prototype/parse.js';
import { enumeration, struct } from '#src/index.js';
import type { PlatformTypes } from '#src/machine/c-types.js';

const platform: PlatformTypes = {
  char: { size: 1, signed: true },
  wchar_t: { size: 4, signed: true },
  nlink_t: { size: 8, signed: false },
  blksize_t: { size: 8, signed: true },
};
const otherPlatform: PlatformTypes = {
  char: { size: 1, signed: false },
  wchar_t: { size: 4, signed: false },
  nlink_t: { size: 4, signed: false },
  blksize_t: { size: 4, signed: true },
};
const parse = (prototype: unknown) => parsePrototype(prototype, platform);

const int = { kind: 'integer', size: 4, signed: true, js: 'number' };
const double = { kind: 'float', size: 8 };
const pointer = { kind: 'pointer', js: 'bigint' };

describe('an object', () => {
  test('means the same as the prototype', () => {
    const { args, result, variadicFrom } = parse({
      result: 'char *',
      args: ['const char *s', 'int', 'void (*)(int)'],
    });
    const prototype = parse('char *(const char *s, int, void (*)(int))');
    assert.deepEqual([args, result, variadicFrom], [prototype.args, prototype.result, undefined]);
  });

  test('without arguments', () => {
    assert.deepEqual(parse({ result: 'void', args: [] }), {
      name: undefined,
      result: { kind: 'void' },
      args: [],
      variadicFrom: undefined,
      text: 'void (void)',
    });
  });

  test('lists the types of ...', () => {
    const signature = parse({
      result: 'int',
      args: ['const char *format'],
      variadic: ['int', 'double', 'void *p'],
    });
    assert.deepEqual(signature, {
      name: undefined,
      result: int,
      args: [
        { name: 'format', type: { kind: 'string' } },
        { name: undefined, type: int },
        { name: undefined, type: double },
        { name: 'p', type: pointer },
      ],
      variadicFrom: 1,
      text: 'int (const char *format, ...)',
    });
    assert.equal(parse({ result: 'int', args: ['int'], variadic: [] }).variadicFrom, 1);
    assert.equal(parse({ result: 'int', args: ['int'] }).variadicFrom, undefined);
  });

  test('selects the JavaScript type of pointers, also in structures', () => {
    const node = struct({ next: 'void *', names: 'char *[2]' });
    const { result, args } = parse({
      result: 'timer_t',
      args: ['char **', node, 'size_t'],
      pointers: 'number',
    });
    const number = { kind: 'pointer', js: 'number' };
    assert.deepEqual(result, number);
    assert.deepEqual(
      args.map(({ type }) => type),
      [
        number,
        {
          kind: 'struct',
          size: 24,
          alignment: 8,
          fields: [
            { name: 'next', offset: 0, type: number },
            { name: 'names', offset: 8, type: { kind: 'array', element: number, length: 2 } },
          ],
        },
        { kind: 'integer', size: 8, signed: false, js: 'bigint' },
      ],
    );
    assert.deepEqual(parse({ result: 'void *', args: [] }).result, pointer);
  });

  test('is read once', () => {
    let reads = 0;
    const prototype = {
      result: 'int',
      args: [],
      get variadic() {
        reads++;
        return reads === 1 ? ['int'] : undefined;
      },
    };
    assert.equal(parse(prototype).args.length, 1);
    assert.equal(reads, 1);
  });
});

describe('a structure', () => {
  const typeOf = (type: unknown, on = platform) => parsePrototype({ result: type, args: [] }, on).result;

  test('has the field offsets of C', () => {
    const inner = struct({ a: 'char', b: 'short' });
    const outer = struct({ a: 'char', inner, c: 'double', d: 'bool[3]', e: 'int64_t', f: 'char' });
    const type = typeOf(outer);
    assert.ok(type.kind === 'struct');
    assert.deepEqual(
      type.fields.map(({ name, offset }) => [name, offset]),
      [
        ['a', 0],
        ['inner', 2],
        ['c', 8],
        ['d', 16],
        ['e', 24],
        ['f', 32],
      ],
    );
    assert.deepEqual([type.size, type.alignment], [40, 8]);
  });

  test('has the array order of C', () => {
    const type = typeOf(struct({ matrix: 'int[2][3]' }));
    assert.ok(type.kind === 'struct');
    const row = { kind: 'array', element: int, length: 3 };
    assert.deepEqual(type.fields[0]!.type, { kind: 'array', element: row, length: 2 });
    assert.equal(type.size, 24);
  });

  test('does not change with the object it was created from', () => {
    const fields: Record<string, string> = { x: 'int' };
    const type = struct(fields);
    fields['x'] = 'double';
    fields['y'] = 'double';
    assert.deepEqual(type.fields, { x: 'int' });
    assert.ok(Object.isFrozen(type.fields));
  });

  test('is shown in one line', () => {
    const point = struct({ x: 'double', y: 'double\n[2]' });
    const { text } = parse({ result: point, args: [struct({ point }), enumeration({ red: 0 }), 'int x'] });
    assert.equal(text, 'struct { double x; double [2] y; } (struct { struct point; }, enum, int x)');
  });

  test('has the sizes of the platform', () => {
    const status = struct({ links: 'nlink_t', block: 'blksize_t', mode: 'char', wide: 'wchar_t' });
    const here = typeOf(status);
    const there = typeOf(status, otherPlatform);
    assert.ok(here.kind === 'struct' && there.kind === 'struct');
    assert.deepEqual([here.size, there.size], [24, 16]);
    assert.deepEqual(
      there.fields.map(({ type }) => type),
      [
        { kind: 'integer', size: 4, signed: false, js: 'bigint' },
        { kind: 'integer', size: 4, signed: true, js: 'bigint' },
        { kind: 'integer', size: 1, signed: false, js: 'number' },
        { kind: 'integer', size: 4, signed: false, js: 'number' },
      ],
    );
  });
});

describe('an enumeration', () => {
  const typeOf = (values: Record<string, number>) => parse({ result: enumeration(values), args: [] }).result;

  test('is unsigned if no value is negative', () => {
    assert.deepEqual(typeOf({ red: 0, green: 2 ** 32 - 1 }), { ...int, signed: false });
    assert.deepEqual(typeOf({ red: -1, green: 2 ** 31 - 1 }), int);
  });

  test('keeps its values', () => {
    const color = enumeration({ red: 0, green: 5 });
    assert.deepEqual(color.values, { red: 0, green: 5 });
    assert.ok(Object.isFrozen(color.values));
  });
});

test('plain char has the sign of the platform', () => {
  const chars = (on: PlatformTypes) =>
    parsePrototype('char (signed char, unsigned char)', on).args.map(
      ({ type }) => type.kind === 'integer' && type.signed,
    );
  assert.deepEqual(
    [chars(platform), chars(otherPlatform)],
    [
      [true, false],
      [true, false],
    ],
  );
  const plain = (on: PlatformTypes) => parsePrototype('char (void)', on).result;
  assert.deepEqual(plain(platform), { kind: 'integer', size: 1, signed: true, js: 'number' });
  assert.deepEqual(plain(otherPlatform), { kind: 'integer', size: 1, signed: false, js: 'number' });
});

test('a prototype keeps its text in one line, and the names of parameters', () => {
  const { text, args } = parse('int f(\n\tint a,\n\tconst char *)');
  assert.equal(text, 'int f( int a, const char *)');
  assert.deepEqual(
    args.map(({ name }) => name),
    ['a', undefined],
  );
  const nested = parse('void (int (*compare)(const void *x), const char (*(s)), int [], int v[3])');
  assert.deepEqual(
    nested.args.map(({ name }) => name),
    ['compare', 's', undefined, 'v'],
  );
});
