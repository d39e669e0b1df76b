/** Random prototypes with random values, and C functions that contain the same values. */
import { enumeration, type NativeValue, type PrototypeObject, struct, type UserType } from '#src/index.js';
import type { Random } from './random.js';

/** A type: its name in C, its declaration in a prototype, and its values. */
interface RandomType {
  readonly c: string;
  readonly declaration: string | UserType;
  /** Returns a value, and its C expression. */
  value(random: Random): { readonly js: NativeValue; readonly c: string };
  /** Returns a C expression that compares two expressions. */
  same(a: string, b: string): string;
}

/** A function: its prototype and values, and the C source of a function that is called and of one that calls. */
export interface RandomFunction {
  readonly prototype: PrototypeObject;
  readonly args: readonly NativeValue[];
  readonly result: NativeValue | undefined;
  readonly c: string;
}

const equal = (a: string, b: string): string => `${a} == ${b}`;

function integerType(c: string, bits: 8 | 16 | 32 | 64, signed: boolean): RandomType {
  return {
    c,
    declaration: c,
    value(random) {
      const edges = [0n, 1n, -1n, 2n ** BigInt(bits - 1) - 1n, 2n ** BigInt(bits - 1)];
      const word = random.flip() ? random.word() : random.pick(edges);
      const value = signed ? BigInt.asIntN(bits, word) : BigInt.asUintN(bits, word);
      const written = `(${c})0x${BigInt.asUintN(64, value).toString(16)}u`;
      return { js: bits === 64 ? value : Number(value), c: written };
    },
    same: equal,
  };
}

/** Values that both sizes represent exactly. */
const floatType = (c: string): RandomType => ({
  c,
  declaration: c,
  value(random) {
    const value = random.integer({ from: -(2 ** 20), to: 2 ** 20 }) / 8;
    return { js: value, c: `(${c})${value}` };
  },
  same: equal,
});

const pointerType: RandomType = {
  c: 'void *',
  declaration: 'void *',
  value(random) {
    const value = random.flip() ? random.word() : 0n;
    return { js: value, c: `(void *)0x${value.toString(16)}u` };
  },
  same: equal,
};

const stringType: RandomType = {
  c: 'const char *',
  declaration: 'const char *',
  value(random) {
    const value = random.pick([
      '',
      'a',
      'text',
      'häß',
      '\u{1f600}',
      'x'.repeat(random.integer({ to: 300 })),
      null,
    ]);
    return { js: value, c: value === null ? 'NULL' : JSON.stringify(value) };
  },
  same: (a, b) => `same_text(${a}, ${b})`,
};

const boolType: RandomType = {
  c: 'bool',
  declaration: 'bool',
  value(random) {
    const value = random.flip();
    return { js: value, c: String(value) };
  },
  same: equal,
};

const enumType: RandomType = {
  c: 'enum color',
  declaration: enumeration({ red: -1, green: 7 }),
  value(random) {
    const value = random.pick([-1, 7]);
    return { js: value, c: `(enum color)${value}` };
  },
  same: equal,
};

const scalars: readonly RandomType[] = [
  integerType('int8_t', 8, true),
  integerType('uint8_t', 8, false),
  integerType('short', 16, true),
  integerType('uint16_t', 16, false),
  integerType('int', 32, true),
  integerType('unsigned int', 32, false),
  integerType('long', 64, true),
  integerType('uint64_t', 64, false),
  ...['float', 'double', 'float', 'double'].map(floatType),
  pointerType,
  stringType,
  boolType,
  enumType,
];

/** C source that precedes all functions. */
const preamble = `
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
enum color { red = -1, green = 7 };
static inline bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}
/* The number of the first wrong argument, from 1; 0 if all were right. */
int wrong;
`;

/** Returns random functions, and a C program with all of them: `called_N` and `calls_N`. */
export function randomFunctions(
  random: Random,
  count: number,
): { functions: RandomFunction[]; source: string } {
  const declarations: string[] = [];
  const structures: RandomType[] = [];
  const functions: RandomFunction[] = [];
  for (let number = 0; number < count; number++) {
    if (number % 4 === 0) structures.push(structure(random, structures.slice(-3), declarations));
    const anyType = () => random.pick(random.integer({ to: 5 }) === 0 ? structures : scalars);
    const args = Array.from({ length: random.integer({ to: 12 }) }, anyType);
    const result = random.integer({ to: 7 }) === 0 ? undefined : anyType();
    functions.push(randomFunction(random, number, args, result));
  }
  const source = [preamble, ...declarations, ...functions.map(({ c }) => c)].join('\n');
  return { functions, source };
}

function randomFunction(
  random: Random,
  number: number,
  types: readonly RandomType[],
  result: RandomType | undefined,
): RandomFunction {
  const values = types.map((type) => type.value(random));
  const returned = result?.value(random);
  const c = result?.c ?? 'void';
  const parameters = types.map((type, index) => `${type.c} a${index}`).join(', ') || 'void';
  const checks = types.map((type, index) =>
    [
      `    ${type.c} e${index} = ${values[index]!.c};`,
      `    if (wrong == 0 && !(${type.same(`a${index}`, `e${index}`)})) wrong = ${index + 1};`,
    ].join('\n'),
  );
  const call = `call(${values.map((value) => value.c).join(', ')})`;
  return {
    prototype: {
      result: result?.declaration ?? 'void',
      args: types.map(({ declaration }) => declaration),
    },
    args: values.map(({ js }) => js),
    result: returned?.js,
    c: [
      `${c} called_${number}(${parameters})`,
      '{',
      ...checks,
      ...(returned === undefined ? [] : [`    return ${returned.c};`]),
      '}',
      `int calls_${number}(${c} (*call)(${parameters}))`,
      '{',
      ...(result === undefined || returned === undefined
        ? [`    ${call};`, '    return 1;']
        : [
            `    ${c} got = ${call};`,
            `    ${c} expected = ${returned.c};`,
            `    return ${result.same('got', 'expected')};`,
          ]),
      '}',
    ].join('\n'),
  };
}

/** Returns a structure of scalars, arrays and other structures, and adds its declaration. */
function structure(random: Random, others: readonly RandomType[], declarations: string[]): RandomType {
  const c = `struct s${declarations.length}`;
  const fields = Array.from({ length: random.integer({ from: 1, to: 5 }) }, (_, index) => {
    const type = random.pick(others.length > 0 && random.integer({ to: 5 }) === 0 ? others : scalars);
    const length =
      random.integer({ to: 5 }) === 0 && typeof type.declaration === 'string'
        ? random.integer({ from: 1, to: 4 })
        : 0;
    return { name: `f${index}`, type, length };
  });
  const members = fields.map(
    ({ name, type, length }) => `${type.c} ${name}${length === 0 ? '' : `[${length}]`};`,
  );
  declarations.push(`${c} { ${members.join(' ')} };`);
  return {
    c,
    declaration: struct(
      Object.fromEntries(
        fields.map(({ name, type, length }) => [
          name,
          length === 0 ? type.declaration : `${type.declaration as string}[${length}]`,
        ]),
      ),
    ),
    value(random) {
      const values = fields.map(({ name, type, length }) => {
        if (length === 0) return [name, type.value(random)] as const;
        const elements = Array.from({ length }, () => type.value(random));
        return [
          name,
          { js: elements.map(({ js }) => js), c: `{${elements.map((e) => e.c).join(', ')}}` },
        ] as const;
      });
      return {
        js: Object.fromEntries(values.map(([name, { js }]) => [name, js])),
        c: `(${c}){${values.map(([, value]) => value.c).join(', ')}}`,
      };
    },
    same(a, b) {
      const pairs = fields.flatMap(({ name, type, length }) => {
        if (length === 0) return [type.same(`${a}.${name}`, `${b}.${name}`)];
        return Array.from({ length }, (_, index) =>
          type.same(`${a}.${name}[${index}]`, `${b}.${name}[${index}]`),
        );
      });
      return pairs.map((pair) => `(${pair})`).join(' && ');
    },
  };
}
