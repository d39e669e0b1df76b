/** The parser of prototypes, compared with gcc and with the compiler's inference. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { parsePrototype } from '#src/ffi/prototype/parse.js';
import { incompleteTypes, namedTypes } from '#src/ffi/prototype/type-names.js';
import type { CType } from '#src/machine/c-types.js';
import { hostMachine } from '#src/native/host.js';
import { needs } from '../support/needs.js';
import { prototypes, refusals, unsupported } from '../support/prototypes.js';

const { cPlatform } = hostMachine().ffi;
const parse = (prototype: unknown) => parsePrototype(prototype, cPlatform);

/** Returns the kind that the inferring types use. */
const kindOf = (type: CType): string =>
  type.kind === 'integer' ? type.js : type.kind === 'float' ? 'number' : type.kind;

const headers = [
  ...['stddef', 'stdint', 'stdbool', 'stdio', 'uchar', 'wchar', 'time', 'signal', 'pthread', 'dirent'],
  ...['sys/types', 'sys/stat', 'sys/time'],
];
const preamble = `#define _GNU_SOURCE\n${headers.map((header) => `#include <${header}.h>\n`).join('')}enum color { red };\n`;

/** Returns the indices of lines that gcc rejects. Limitation: unreliable after missing parentheses. */
function wrongForGcc(texts: readonly string[], preamble = ''): Set<number> {
  const lines = texts.map((text) => text.replaceAll(/\s+/g, ' '));
  const { stderr, error } = spawnSync('gcc', ['-std=gnu17', '-fsyntax-only', '-x', 'c', '-'], {
    input: `${preamble}#line 1 "text"\n${lines.join('\n')}\n`,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  return new Set(
    [...stderr.matchAll(/^text:(\d+):.* (?:error|warning): /gm)].map(([, line]) => Number(line) - 1),
  );
}

/** Uses a text as the type of a function, and as the declaration of one. */
const asType = (text: string, index = 0) =>
  `void use${index}(void) { extern __typeof__(${text.replace(/;\s*$/, '')}) f${index}; (void)&*f${index}; }`;
const asDeclaration = (text: string, index = 0) => `void use${index}(void) { extern ${text}; }`;

/** Returns a C expression that is true if gcc agrees about the type. */
function assertion(name: string, type: CType): string {
  switch (type.kind) {
    case 'integer':
      return `sizeof(${name}) == ${type.size} && ((${name})-1 < 0) == ${Number(type.signed)}`;
    case 'float':
      return `sizeof(${name}) == ${type.size} && (${name})0.5 > 0`;
    case 'pointer':
      return `sizeof(${name}) == 8 && sizeof(*(${name})0) == 1`;
    default:
      return `__builtin_types_compatible_p(${name}, ${type.kind})`;
  }
}

test('types of headers are those of gcc', { skip: needs('gcc') }, () => {
  const names = [...Object.keys(namedTypes), 'char', 'short', 'int', 'long', 'long long', 'unsigned'];
  const lines = names.map(
    (name) => `_Static_assert(${assertion(name, parse(`${name} (void)`).result)}, "");`,
  );
  const pointed = incompleteTypes.map((name) => `extern ${name} *pointer_to_${name};`);
  const wrong = wrongForGcc([...lines, ...pointed], preamble);
  assert.deepEqual(
    [...names, ...incompleteTypes].filter((_, index) => wrong.has(index)),
    [],
  );
});

describe('prototypes', () => {
  for (const { text, result, args } of prototypes) {
    test(text.trim(), () => {
      const signature = parse(text);
      assert.equal(kindOf(signature.result), result);
      assert.deepEqual(
        signature.args.map(({ type }) => kindOf(type)),
        args,
      );
    });
  }
  for (const text of [...refusals, ...unsupported]) {
    test(`rejects ${JSON.stringify(text)}`, () => {
      assert.throws(() => parse(text), RangeError);
    });
  }
  test('gcc accepts the same', { skip: needs('gcc') }, () => {
    const texts = prototypes.map(({ text }) => text);
    const noType = wrongForGcc(texts.map(asType), preamble);
    const noDeclaration = wrongForGcc(texts.map(asDeclaration), preamble);
    assert.deepEqual(
      texts.filter((_, index) => noType.has(index) && noDeclaration.has(index)),
      [],
    );
  });
  test('gcc rejects the same', { skip: needs('gcc') }, () => {
    const taken = refusals.filter((text) =>
      [asType, asDeclaration].some((form) => wrongForGcc([form(text)]).size === 0),
    );
    assert.deepEqual(taken, []);
  });
});
