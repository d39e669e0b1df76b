/** Invalid prototypes are rejected in bounded time, with the position of the problem. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parsePrototype } from '#src/ffi/prototype/parse.js';
import { enumeration, struct } from '#src/index.js';
import { hostMachine } from '#src/native/host.js';
import { prototypes } from '../support/prototypes.js';
import { randomFor, rounds } from '../support/random.js';

const { cPlatform } = hostMachine().ffi;
const parse = (prototype?: unknown) => parsePrototype(prototype, cPlatform);
const loosely = (call: unknown) => call as (...args: unknown[]) => unknown;
const looseStruct = loosely(struct);
const looseEnumeration = loosely(enumeration);

const invalid: Record<string, [() => unknown, RegExp][]> = {
  'text, with the position': [
    [
      () => parse('imt (void)'),
      /^RangeError: prototype: no C type is called "imt"\n {2}imt \(void\)\n {2}\^$/,
    ],
    [() => parse('int (int a, doubel b)'), /no C type is called "doubel"\n.*\n {14}\^$/],
    [() => parse('int (\n\tint a,\n\tdoubel b)'), /"doubel"\n {2}int \( {2}int a, {2}doubel b\)\n {17}\^$/],
    [
      () => parse('int (sqlite3 *)'),
      /no C type is called "sqlite3"; for a pointer to it, write "void \*" or "struct sqlite3 \*"/,
    ],
    [() => parse(''), /prototype: expected a type, not the end/],
    [() => parse('int'), /expected "\(", not the end\n {2}int\n {5}\^$/],
    [() => parse('int (int int)'), /expected "\)", not "int"\n.*\n {11}\^$/],
    [() => parse('int (void, int)'), /the type "void" is not allowed here/],
    [() => parse('int (unsigned float)'), /C has no type "unsigned float"\n.*\n {7}\^$/],
    [() => parse('long double (void)'), /JavaScript has no numbers like long double/],
    [
      () => parse('int (const char *, ...)'),
      /list the types of "\.\.\." in the object form: { result, args, variadic }/,
    ],
    [
      () => parse('int (struct point)'),
      /"struct point" can only be pointed to; pass struct\({ … }\) in the object form/,
    ],
    [() => parse('int (struct { int x; })'), /fields cannot be listed in text/],
    [() => parse('int (FILE)'), /"FILE" can only be pointed to/],
    [() => parse('int (int &a)'), /invalid character "&" \(U\+0026\)\n.*\n {11}\^$/],
    [() => parse('int (int é)'), /invalid character "é" \(U\+00E9\)/],
    [() => parse('int (int 😀)'), /invalid character "😀"/],
    [() => parse('int (\u00a0int)'), /invalid character ".*" \(U\+00A0\)/],
    [() => parse(`int (${'int, '.repeat(40)}imt)`), /"imt"\n {2}… [int, ]{40}imt\)\n {44}\^$/],
  ],
  'names from JavaScript’s objects': [
    [() => parse('__proto__ (void)'), /no C type is called "__proto__"/],
    [() => parse('constructor (void)'), /no C type is called "constructor"/],
    [() => parse('int (hasOwnProperty *)'), /no C type is called "hasOwnProperty"/],
    [() => parse('int (unsigned toString'), /expected "\)", not the end/],
  ],
  'too much': [
    [
      () => parse(' '.repeat(10_001)),
      /RangeError: prototype has 10001 characters; at most 10000 are possible/,
    ],
    [() => parse(`int (${'int,'.repeat(127)}int)`), /a function has at most 127 parameters/],
    [() => parse(`int (int ${'('.repeat(64)}`), /parentheses can be nested at most 63 deep/],
    [() => parse('('.repeat(10_000)), /expected a type/],
    [() => parse(`int (${'int ('.repeat(1900)}`), /nested at most 63 deep/],
    [
      () => parse({ result: 'int', args: new Array(1e9) }),
      /prototype.args has 1000000000 entries; at most 127/,
    ],
    [
      () => parse({ result: 'int', args: new Array(100).fill('int'), variadic: new Array(100).fill('int') }),
      /prototype has 200 arguments; at most 127/,
    ],
    [() => looseStruct({ x: `int${'[2]'.repeat(13)}` }), /an array has at most 12 dimensions/],
    [() => struct({ x: 'int[99999999999999999999999999]' }), /fields.x ends after the 65535 bytes/],
    [() => struct({ x: 'char[65535]', y: 'char' }), /fields.y ends after the 65535 bytes/],
    [
      () => looseStruct(Object.fromEntries(Array.from({ length: 1024 }, (_, i) => [`f${i}`, 'int']))),
      /fields has 1024 members/,
    ],
    [() => nested(64), /nests structures more deeply than the 63 levels/],
  ],
  'other things than text': [
    [() => parse(), /TypeError: prototype must be C text or an object, not undefined/],
    [() => parse(null), /TypeError: prototype must be .*, not null/],
    [() => parse(5), /TypeError: prototype must be .*, not a number/],
    [() => parse(['int']), /TypeError: prototype must be an object, not an Array/],
    [
      () => parse({}),
      /TypeError: prototype.result must be C text or a type created by struct or enumeration, not undefined/,
    ],
    [() => parse({ result: 'int' }), /TypeError: prototype.args must be an array, not undefined/],
    [() => parse({ result: 'int', args: 'int' }), /TypeError: prototype.args must be an array, not a string/],
    [
      () => parse({ result: 'int', args: [undefined, 'int'] }),
      /TypeError: prototype.args\[0\] must be C text/,
    ],
    [() => parse({ result: 'int', args: [{}] }), /TypeError: prototype.args\[0\] must be .*, not an Object/],
    [
      () => parse({ result: 'int', args: [struct] }),
      /TypeError: prototype.args\[0\] must be .*, not a function/,
    ],
    [
      () => parse({ result: 'int', args: ['int', 'imt'] }),
      /RangeError: prototype.args\[1\]: no C type is called "imt"/,
    ],
    [() => parse({ result: 'int x', args: [] }), /RangeError: prototype.result: expected the end, not "x"/],
    [() => parse({ result: 'int', args: ['int (int'] }), /RangeError: prototype.args\[0\]: expected "\)"/],
    [
      () => parse({ result: 'int', args: ['void'] }),
      /RangeError: prototype.args\[0\]: the type "void" is not allowed/,
    ],
    [
      () => parse({ result: 'int', args: [], pointers: 'string' }),
      /RangeError: prototype.pointers must be "bigint" or "number", not "string"/,
    ],
    [
      () => parse({ result: 'int', args: [], pointer: 'number' }),
      /TypeError: prototype has no property "pointer"; it takes result, args, variadic, pointers/,
    ],
    [
      () => parse({ result: 'int', args: [], variadic: ['float'] }),
      /RangeError: prototype.variadic\[0\] is passed as double .* write "double"/,
    ],
    [
      () => parse({ result: 'int', args: [], variadic: ['short'] }),
      /RangeError: prototype.variadic\[0\] is passed as int .* write "int"/,
    ],
    [
      () => parse({ result: 'int', args: [], variadic: ['int', 'bool'] }),
      /RangeError: prototype.variadic\[1\] is passed as int/,
    ],
    [
      () => parse({ result: 'int', args: [], variadic: [], result2: 1 }),
      /TypeError: prototype has no property "result2"/,
    ],
  ],
  structures: [
    [() => looseStruct(), /TypeError: fields must be an object, not undefined/],
    [() => looseStruct(['int']), /TypeError: fields must be an object, not an Array/],
    [() => struct({}), /RangeError: fields is empty, and a structure has at least one member/],
    [() => looseStruct({ x: 'imt' }), /RangeError: fields.x: no C type is called "imt"\n {2}imt\n {2}\^/],
    [() => looseStruct({ x: 'int y' }), /RangeError: fields.x: expected the end, not "y"/],
    [() => looseStruct({ x: 'void' }), /RangeError: fields.x: the type "void" is not allowed here/],
    [() => looseStruct({ x: 'int (*)(int)' }), /RangeError: fields.x: expected the end, not "\("/],
    [() => looseStruct({ x: 'int[]' }), /fields.x: expected the number of elements, not "\]"/],
    [() => looseStruct({ x: 'int[0]' }), /fields.x: expected the number of elements, not "0"/],
    [() => looseStruct({ x: 5 }), /TypeError: fields.x must be C text or a type .*, not a number/],
    [
      () => looseStruct({ 'a b': 'int' }),
      /RangeError: fields has the name "a b", which is not a valid name in C/,
    ],
    [() => looseStruct({ 1: 'int' }), /RangeError: fields has the name "1"/],
    [() => looseStruct({ int: 'int' }), /RangeError: fields has the name "int"/],
    [() => looseStruct({ ['__proto__']: 'int' }), /RangeError: fields has the name "__proto__"/],
    [() => looseStruct({ '': 'int' }), /RangeError: fields has the name/],
  ],
  enumerations: [
    [() => looseEnumeration(), /TypeError: values must be an object, not undefined/],
    [() => enumeration({}), /RangeError: values is empty, and an enumeration has at least one member/],
    [() => looseEnumeration({ red: '0' }), /TypeError: values.red must be a number, not a string/],
    [
      () => enumeration({ red: 0.5 }),
      /RangeError: values.red must be a whole number from 0 to 4294967295, not 0.5/,
    ],
    [() => enumeration({ red: 2 ** 32 }), /RangeError: values.red must be a whole number/],
    [
      () => enumeration({ red: -1, green: 2 ** 31 }),
      /RangeError: values.green must be .* from -2147483648 to 2147483647/,
    ],
  ],
};

function nested(depth: number): unknown {
  let inner: unknown = 'char';
  for (let left = depth; left > 0; left--) inner = looseStruct({ inner });
  return inner;
}

for (const [subject, cases] of Object.entries(invalid)) {
  describe(subject, () => {
    for (const [call, message] of cases) {
      test(String(message), () => {
        assert.throws(call, (error) => {
          assert.match(String(error), message);
          return true;
        });
      });
    }
  });
}

test('a forged structure is rejected', () => {
  const forged = Object.create(Object.getPrototypeOf(struct({ x: 'int' })));
  assert.throws(() => parse({ result: forged, args: [] }), TypeError);
});

test('corrupted prototypes are parsed or rejected with a RangeError', (t) => {
  const random = randomFor(t);
  const words = [
    'int',
    'const',
    'char',
    'unsigned',
    'long',
    'void',
    'size_t',
    'struct',
    'x',
    '3',
    'imt',
    '...',
  ];
  const signs = ['(', ')', '*', '[', ']', ',', ';', ' ', '(', ')', '*', ','];
  for (let left = rounds({ normal: 20_000, long: 1_000_000 }); left > 0; left--) {
    const base = [...random.pick(prototypes).text.matchAll(/\w+|\W/g)].map(([text]) => text);
    for (let changes = random.integer({ from: 1, to: 4 }); changes > 0; changes--) {
      const at = random.integer({ to: base.length });
      base.splice(at, random.integer({ to: 2 }), random.pick(random.flip() ? words : signs));
    }
    const text = base.join('');
    try {
      parse(text);
    } catch (error) {
      assert.ok(error instanceof RangeError, text);
      assert.match(error.message, /^prototype: .*\n {2}.*\n {2} *\^$/, text);
    }
  }
});
