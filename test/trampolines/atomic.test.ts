/** Changes while other threads invoke: these see old values or new ones of atomic trampolines, never a mix. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createTrampoline, createTrampolineTable, symbolAddress, type TrampolineTable } from 'trampfd';
import { compileLibrary } from '../support/compile.js';
import koffi from '../support/koffi.js';
import { emulated, needs } from '../support/needs.js';

const skip = needs('gcc');
const jitless = process.execArgv.includes('--jitless');
const long = (process.env['TRAMPFD_LONG'] ?? '') !== '';
/** Whether execution is slow, so that the tests do less. */
const reduced = !long && (jitless || emulated);
const minChanges = reduced ? 20_000 : 200_000;
/** Min duration in ms: bodies are reused after one second, which the test must include. */
const minDurationMs = 2500;
/** At least one thread besides JavaScript's, and not many more than processors, so that all of them run. */
const fast = { calls: reduced ? 5_000_000 : 100_000_000, threads: 2 };
const slow = { calls: long ? 50_000_000 : emulated ? 100_000 : 2_000_000, threads: 8 };

function openStorm() {
  const path = compileLibrary('storm', ['storm.c']);
  const library = koffi.load(path);
  return {
    five: symbolAddress('five', path),
    two: symbolAddress('two', path),
    withStackData: symbolAddress('with_stack_data', path),
    start: library.func('int storm_start(uintptr_t, int)') as (address: bigint, threads: number) => number,
    calls: library.func('long storm_calls()') as () => number,
    stop: library.func('long storm_stop()') as () => number,
  };
}

type Storm = ReturnType<typeof openStorm>;

/** Runs `change` repeatedly while threads invoke `address`. Returns the number of calls that saw a mix. */
function countMixes(
  t: TestContext,
  storm: Storm,
  address: bigint,
  change: (generation: bigint) => void,
  { calls: minCalls, threads } = fast,
): number {
  assert.equal(storm.start(address, threads), threads);
  let changes = 0;
  const end = performance.now() + minDurationMs;
  while (changes < minChanges || storm.calls() < minCalls || performance.now() < end) {
    for (const pause = changes + 1000; changes < pause; changes++) change(BigInt(changes));
  }
  const calls = storm.calls();
  const mixes = storm.stop();
  t.diagnostic(`${mixes} mixes in ${calls} calls, ${changes} changes`);
  return mixes;
}

const allEqual = (value: bigint) => ({ arg1: value, arg2: value, arg3: value, arg4: value, arg5: value });

type Table = TrampolineTable<'arg1' | 'arg2' | 'arg3' | 'arg4' | 'arg5'>;

function stormTable(options: { atomic: boolean; isolated: boolean }): Table {
  return createTrampolineTable({ registers: ['arg1', 'arg2', 'arg3', 'arg4', 'arg5'], ...options });
}

for (const isolated of [false, true]) {
  test(`an atomic table${isolated ? ', isolated,' : ''} never shows a mix`, { skip }, (t) => {
    const storm = openStorm();
    using table = stormTable({ atomic: true, isolated });
    const address = table.add({ pc: storm.five, ...allEqual(0n) });
    assert.equal(
      countMixes(t, storm, address, (generation) => table.set(address, allEqual(2n * generation))),
      0,
    );
  });
}

for (const mode of ['fast', 'slow'] as const) {
  test(`a ${mode} trampoline never shows a mix, also when its set of registers changes`, { skip }, (t) => {
    const storm = openStorm();
    using trampoline = createTrampoline({ mode, registers: { pc: storm.five, ...allEqual(0n) } });
    const change = (generation: bigint): void => {
      const value = 2n * generation;
      if (generation % 3n === 0n) {
        trampoline.update({ registers: { pc: storm.two, arg1: value + 1n, arg2: value + 1n } });
      } else {
        trampoline.update({ registers: { pc: storm.five, ...allEqual(value) } });
      }
    };
    assert.equal(countMixes(t, storm, trampoline.address, change, mode === 'fast' ? fast : slow), 0);
  });
}

for (const mode of ['fast', 'slow'] as const) {
  test(`an update of all contexts of a ${mode} trampoline never shows a mix`, { skip }, (t) => {
    const storm = openStorm();
    using trampoline = createTrampoline({ mode, registers: { pc: storm.five, ...allEqual(0n) } });
    // A slow trampoline checks the PC at every invocation: with the list of another update it would be refused.
    const change = (generation: bigint): void => {
      if (generation % 2n === 0n) {
        trampoline.update({
          registers: { pc: storm.five, ...allEqual(generation) },
          stackData: null,
          allowedPcs: [storm.five],
        });
      } else {
        trampoline.update({
          registers: { pc: storm.withStackData, arg1: generation },
          stackData: { data: new Uint8Array(BigUint64Array.of(generation).buffer), offset: 64 },
          allowedPcs: [storm.withStackData],
        });
      }
    };
    assert.equal(countMixes(t, storm, trampoline.address, change, mode === 'fast' ? fast : slow), 0);
  });
}

test('a slow table never shows a mix', { skip }, (t) => {
  const storm = openStorm();
  const registers = ['arg1', 'arg2', 'arg3', 'arg4', 'arg5'] as const;
  using table = createTrampolineTable({ mode: 'slow', registers });
  const address = table.add({ pc: storm.five, ...allEqual(0n) });
  const change = (generation: bigint): void => table.set(address, allEqual(2n * generation));
  assert.equal(countMixes(t, storm, address, change, slow), 0);
});

test('a table that is not atomic may show mixes', { skip }, (t) => {
  const storm = openStorm();
  using table = stormTable({ atomic: false, isolated: false });
  const address = table.add({ pc: storm.five, ...allEqual(0n) });
  // The number depends on timing. It shows that the other tests would detect mixes.
  countMixes(t, storm, address, (generation) => table.set(address, allEqual(2n * generation)));
});
