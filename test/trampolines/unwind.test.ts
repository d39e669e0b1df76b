/** A trampoline has no stack frame: exceptions, `longjmp`, `pthread_exit` and `backtrace` skip it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, createTrampoline, createTrampolineTable, symbolAddress } from 'trampfd';
import { compileLibrary } from '../support/compile.js';
import koffi from '../support/koffi.js';
import { needs } from '../support/needs.js';

interface Made {
  readonly address: bigint;
  close(): void;
}

type Make = (pc: bigint, arg0: bigint) => Made;

function inTable(options: { atomic?: boolean; isolated?: boolean; mode?: 'slow' }): Make {
  return (pc, arg0) => {
    const table = createTrampolineTable({ registers: ['arg0'], ...options });
    return { address: table.add({ pc, arg0 }), close: () => table.close() };
  };
}

const kinds: Readonly<Record<string, Make>> = {
  'an inline': inTable({}),
  'an atomic': inTable({ atomic: true }),
  'an isolated': inTable({ isolated: true }),
  "a slow table's": inTable({ mode: 'slow' }),
  'a slow': (pc, arg0) => createTrampoline({ mode: 'slow', registers: { pc, arg0 } }),
  'a single': (pc, arg0) => createTrampoline({ registers: { pc, arg0 } }),
};

for (const [kind, make] of Object.entries(kinds)) {
  test(`unwinding through ${kind} trampoline`, { skip: needs('g++') }, async (t) => {
    const path = compileLibrary('unwind', ['unwind.cc'], ['-Wno-int-to-pointer-cast']);
    const library = koffi.load(path);
    const destroyed = library.func('int guards_destroyed()');

    const through = (target: string, caller: string, arg0: bigint, ...rest: bigint[]): number => {
      const made = make(symbolAddress(target, path), arg0);
      try {
        const more = rest.map(() => ', uintptr_t').join('');
        return Number(library.func(`long ${caller}(uintptr_t${more})`)(made.address, ...rest));
      } finally {
        made.close();
      }
    };

    await t.test('C++ exceptions reach its caller', () => {
      const before: number = destroyed();
      assert.equal(through('throw_value', 'catch_through', 42n), 42);
      assert.equal(destroyed(), before + 1);
    });
    await t.test('longjmp passes it', () => {
      assert.equal(through('jump_back', 'jump_through', 43n), 43);
    });
    await t.test('backtrace does not see it', () => {
      const returned = new BigUint64Array(1);
      const at = addressOf(returned);
      assert.equal(through('record_frames', 'frames_through', at, at), 1);
      assert.notEqual(returned[0], 0n);
    });
    await t.test('pthread_exit runs destructors above it', () => {
      const before: number = destroyed();
      assert.equal(through('exit_thread', 'exit_through', 44n), 44);
      assert.equal(destroyed(), before + 1);
    });
  });
}
