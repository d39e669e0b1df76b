/** Pointers to GCC's nested functions, which need an executable stack, replaced by trampolines. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { createTrampoline, createTrampolineTable } from 'trampfd';
import { compileLibrary } from '../support/compile.js';
import koffi from '../support/koffi.js';
import { needs } from '../support/needs.js';

type Maker = (body: bigint | number, chain: bigint | number) => bigint;

const maker = koffi.pointer(koffi.proto('uintptr_t nested_maker(uintptr_t body, uintptr_t chain)'));
const count = 1000;
const shuffled = (): Int32Array => Int32Array.from({ length: count }, (_, index) => (index * 377) % count);

for (const level of ['-O0', '-O1', '-O2']) {
  test(`a nested function, compiled with ${level}`, { skip: needs('gcc', 'objdump') }, async (t) => {
    const path = compileLibrary(`nested${level}`, ['nested.c'], [level]);
    const sort = koffi.load(path).func('sort_nested', 'long', ['int *', 'long', 'int', maker]) as unknown as (
      values: Int32Array,
      count: number,
      direction: number,
      make: Maker,
    ) => number;

    const check = (make: Maker): void => {
      for (const direction of [1, -1]) {
        const values = shuffled();
        const comparisons = sort(values, count, direction, make);
        assert.ok(comparisons >= count - 1);
        assert.deepEqual(
          [...values],
          [...shuffled()].sort((a, b) => direction * (a - b)),
        );
      }
    };

    await t.test('needs no executable stack', () => {
      const headers = execFileSync('objdump', ['-p', path], { encoding: 'utf8' });
      assert.match(headers, /STACK.*\n.* flags rw-\n/);
    });
    await t.test('is called by a single trampoline', () => {
      using trampoline = createTrampoline({ registers: { pc: 1n, chain: 1n } });
      check((body, chain) => {
        trampoline.update({ registers: { pc: BigInt(body), chain: BigInt(chain) } });
        return trampoline.address;
      });
    });
    for (const atomic of [false, true]) {
      await t.test(`is called by a table${atomic ? ', atomic' : ''}`, () => {
        using table = createTrampolineTable({ registers: ['chain'], atomic });
        check((body, chain) => table.add({ pc: BigInt(body), chain: BigInt(chain) }));
      });
    }
  });
}
