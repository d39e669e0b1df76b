/** Random declarations, valid and invalid: the compiler must infer what the parser returns. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { struct } from '#src/ffi/prototype/declare.js';
import { parsePrototype } from '#src/ffi/prototype/parse.js';
import * as names from '#src/ffi/prototype/type-names.js';
import type { CType, FieldType } from '#src/machine/c-types.js';
import { hostMachine } from '#src/native/host.js';
import { needs } from '../support/needs.js';
import { type Random, randomFor, rounds } from '../support/random.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const { baseKeywords, signKeywords, lengthKeywords, tagKeywords, qualifiers } = names;
const typeNames = [...Object.keys(names.namedTypes), ...names.incompleteTypes];
const arithmetic = [...baseKeywords, ...signKeywords, ...lengthKeywords];
/** Names of types and parts of keywords are valid names, too. */
const identifiers = ['a', '_b1', 'size_t', 'FILE', 'constant'];
const lengths = ['', '3', '[2][3]', '0', '04', '-4', '0x4', '1_0', '4 4', 'n', 'static 4', '*', 'const'];
const strange = ['..', '{', '=', '#', '"', '4', '4u', '__int128', 'static', 'sizeof', 'imt'];
const signs = ['*', '(', ')', '[', ']', ',', ';', '...'];
const keywords = [...arithmetic, ...qualifiers, ...tagKeywords];
const anything = [...typeNames, ...keywords, ...identifiers, ...strange, ...signs];

/** Generates declarations by the grammar in `declaration-parser.ts`, and corrupts half of them. */
class Writer {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  prototype(): string {
    const name = this.#random.pick(['', 'f', '(*)', '(*f)', '(* const f)']);
    const end = this.#random.pick(['', '', ';']);
    return this.#corrupt(`${this.#specifiers()}${this.#stars()}${name}${this.#parameters(2)}${end}`);
  }

  parameter(): string {
    return this.#corrupt(`${this.#specifiers()}${this.#declarator(2)}`);
  }

  result(): string {
    return this.#corrupt(`${this.#specifiers()}${this.#stars()}`);
  }

  field(): string {
    const length = this.#oneIn(2) ? `[${this.#random.pick(lengths)}]` : '';
    return this.#corrupt(`${this.#specifiers()}${this.#stars()}${length}`);
  }

  #oneIn(count: number): boolean {
    return this.#random.integer({ to: count - 1 }) === 0;
  }

  #qualifier(): string {
    return this.#oneIn(4) ? `${this.#random.pick(qualifiers)} ` : '';
  }

  #specifiers(): string {
    const typeName = () => [this.#random.pick(typeNames)];
    const words = this.#random.pick([
      ...[typeName, typeName, typeName],
      () => ['const', 'char'],
      () => [this.#random.pick(tagKeywords), this.#random.pick(identifiers)],
      () =>
        Array.from({ length: this.#random.integer({ from: 1, to: 4 }) }, () => this.#random.pick(arithmetic)),
    ])();
    return `${words.map((word) => `${this.#qualifier()}${word} `).join('')}${this.#qualifier()}`;
  }

  #stars(): string {
    return this.#oneIn(2) ? `*${this.#qualifier()}${this.#stars()}` : '';
  }

  #declarator(depth: number): string {
    const inside =
      depth > 0 && this.#oneIn(4)
        ? `(${this.#declarator(depth - 1)})`
        : this.#random.pick(['', ...identifiers]);
    const suffix = this.#random.pick([
      () => '',
      () => '',
      () => `[${this.#random.pick(lengths)}]`,
      () => this.#parameters(depth - 1),
    ])();
    return `${this.#stars()}${inside}${suffix}`;
  }

  #parameters(depth: number): string {
    if (depth < 0 || this.#oneIn(6)) return this.#random.pick(['()', '(void)']);
    const length = this.#random.integer({ from: 1, to: 3 });
    const list = Array.from({ length }, () => `${this.#specifiers()}${this.#declarator(depth)}`);
    return `(${[...list, ...(this.#oneIn(6) ? ['...'] : [])].join(this.#random.pick([',', ', ', '\t,\n']))})`;
  }

  #corrupt(text: string): string {
    if (this.#oneIn(2)) return text;
    const tokens = text.match(/\w+|\.{3}|\s+|./g) ?? [];
    const inserted = this.#oneIn(2) ? [] : [` ${this.#random.pick(anything)} `];
    tokens.splice(this.#random.integer({ to: tokens.length }), this.#random.integer({ to: 1 }), ...inserted);
    return tokens.join('');
  }
}

const kindOf = (type: CType | FieldType): string => {
  if (type.kind === 'array') return `{ readonly array: ${kindOf(type.element)} }`;
  return `'${type.kind === 'integer' ? type.js : type.kind === 'float' ? 'number' : type.kind}'`;
};

const parse = (prototype: unknown) => parsePrototype(prototype, hostMachine().ffi.cPlatform);

/** For each kind of declaration: the inferring type, and the expected type by the parser. */
const parts = {
  prototype: [
    'InferPrototype',
    (text: string) => {
      const { result, args } = parse(text);
      return `{ readonly result: ${kindOf(result)}; readonly args: [${args.map(({ type }) => kindOf(type)).join(', ')}] }`;
    },
  ],
  parameter: [
    'InferParameter',
    (text: string) => kindOf(parse({ result: 'void', args: [text] }).args[0]!.type),
  ],
  result: ['InferResult', (text: string) => kindOf(parse({ result: text, args: [] }).result)],
  field: [
    'InferField',
    (text: string) => {
      const { result } = parse({ result: struct({ field: text } as never), args: [] });
      return result.kind === 'struct' ? kindOf(result.fields[0]!.type) : '';
    },
  ],
} as const;

test('the compiler and the parser agree', { skip: needs('compilers of its architecture') }, (t) => {
  const writer = new Writer(randomFor(t));
  const checks = Array.from({ length: rounds({ normal: 200, long: 10_000 }) }).flatMap(() =>
    (['prototype', 'prototype', 'parameter', 'result', 'field'] as const).map((part) => {
      const text = writer[part]();
      const [infer, read] = parts[part];
      const inferred = `${infer}<${JSON.stringify(text)}>`;
      let expected: string | undefined;
      try {
        expected = read(text);
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error));
      }
      return expected === undefined
        ? `check<Refused<${inferred}>>();`
        : `check<Equal<${inferred}, ${expected}>>();`;
    }),
  );
  const folderOfTypes = join(root, 'dist/ffi/prototype');
  const preamble = `
    import type { InferField, InferParameter, InferPrototype, InferResult } from '${folderOfTypes}/infer-declarations.js';
    import type { InvalidType } from '${folderOfTypes}/infer-tokens.js';
    type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
    type Refused<T> = [T] extends [never] ? false : T extends InvalidType<string> ? true : false;
    declare const check: <True extends true>() => void;`.split('\n');
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-test-'));
  try {
    const file = join(folder, 'declarations.mts');
    writeFileSync(file, [...preamble, ...checks].join('\n'));
    const options = [
      '--ignoreConfig',
      '--strict',
      '--noEmit',
      '--module',
      'nodenext',
      '--types',
      '',
      '--pretty',
      'false',
    ];
    const { stdout, error } = spawnSync(join(root, 'node_modules/typescript/bin/tsc'), [...options, file], {
      encoding: 'utf8',
    });
    if (error !== undefined) throw error;
    const wrong = [...stdout.matchAll(/\((\d+),\d+\): error/g)].map(
      ([, line]) => checks[Number(line) - 1 - preamble.length],
    );
    assert.deepEqual(wrong, []);
    assert.equal(stdout, '');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
