/** Forked children: private data is a snapshot of their own, isolated data is shared with the parent. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { addressOf, createTrampoline, createTrampolineTable, symbolAddress } from '#src/index.js';
import { mappingOf } from '#src/linux/process/proc-maps.js';
import { compileLibrary } from '../support/compile.js';
import koffi from '../support/koffi.js';
import { needs } from '../support/needs.js';

const skip = needs('gcc');
const { SIGSEGV, SIGTRAP, SIGILL } = constants.signals;
/** Expects any value, as long as both registers agree on it. */
const any = -2n;

type Expected = readonly (readonly [address: bigint, answer: bigint])[];

/** Memory that the child overwrites with garbage. */
interface Scribble {
  readonly start: bigint;
  readonly length: number;
}
const nothing: Scribble = { start: 0n, length: 0 };

function openLibrary() {
  const path = compileLibrary('fork', ['fork.c']);
  const library = koffi.load(path);
  return {
    pc: symbolAddress('both', path),
    wait: library.func('int fork_waiting(void *, int, uintptr_t, long)'),
    release: library.func('int fork_release(int)'),
    stormStart: library.func('int storm_start(uintptr_t, int, int, int, uintptr_t, long)'),
    stormRunning: library.func('int storm_running()'),
    stormJoin: library.func('long storm_join()'),
  };
}

type Library = ReturnType<typeof openLibrary>;

const registers = (value: bigint) => ({ arg0: value, arg1: BigInt.asUintN(64, ~value) });
const both = koffi.proto('long ()');
const call = (address: bigint): number => koffi.call(address, both);

/** Forks, runs `inParent` in the parent, then lets the child check and overwrite. Returns the child's result. */
function forked(
  { wait, release }: Library,
  expected: Expected,
  inParent: () => void,
  { start, length }: Scribble = nothing,
): number {
  const pid: number = wait(BigInt64Array.from(expected.flat()), expected.length, start, length);
  assert.ok(pid > 0);
  inParent();
  return release(pid);
}

/** The data that follows the code of an address. */
function dataOf(address: bigint): Scribble {
  const { start, end } = mappingOf(mappingOf(address)!.end)!;
  return { start, length: Number(end - start) };
}

for (const atomic of [false, true]) {
  test(`a child has a snapshot of ${atomic ? 'an atomic' : 'a'} table`, { skip }, () => {
    const library = openLibrary();
    const { pc } = library;
    using table = createTrampolineTable({ registers: ['arg0', 'arg1'], atomic });
    const addresses = [1n, 2n, 3n].map((value) => table.add({ pc, ...registers(value) }));
    const [first, second, third] = addresses as [bigint, bigint, bigint];
    const expected: Expected = [
      [first, 1n],
      [second, 2n],
      [third, 3n],
    ];
    const change = (): void => {
      table.set(first, registers(10n));
      table.delete(second);
      table.add({ pc, ...registers(4n) });
    };
    assert.equal(forked(library, expected, change, dataOf(first)), 0);
    // The child's garbage is not visible.
    assert.deepEqual([call(first), call(third)], [10, 3]);
    assert.deepEqual([...table].map(([, { arg0 }]) => arg0).sort(), [10n, 3n, 4n]);

    const after: Expected = [
      [first, 10n],
      [third, 3n],
    ];
    assert.equal(
      forked(library, after, () => table.close()),
      0,
    );
  });
}

test('a child has a snapshot of single trampolines', { skip }, () => {
  const library = openLibrary();
  const { pc } = library;
  const first = createTrampoline({ registers: { pc, ...registers(1n) } });
  const second = createTrampoline({ registers: { pc, ...registers(2n) } });
  const expected: Expected = [
    [first.address, 1n],
    [second.address, 2n],
  ];
  const change = (): void => {
    first.update({ registers: { pc, ...registers(10n) } });
    second.close();
  };
  assert.equal(forked(library, expected, change, dataOf(first.address)), 0);
  assert.equal(call(first.address), 10);
  first.close();
});

for (const atomic of [false, true]) {
  test(`a child sees its parent's changes to ${atomic ? 'an atomic' : 'an'} isolated table`, { skip }, () => {
    const library = openLibrary();
    const { pc } = library;
    using table = createTrampolineTable({ registers: ['arg0', 'arg1'], isolated: true, atomic });
    const first = table.add({ pc, ...registers(1n) });
    const second = table.add({ pc, ...registers(2n) });
    const change = () => table.set(first, registers(10n));
    const expected: Expected = [
      [first, 10n],
      [second, 2n],
    ];
    assert.equal(forked(library, expected, change), 0);
    assert.equal(
      forked(library, expected, () => {}, dataOf(first)),
      -SIGSEGV,
    );
    assert.equal(call(first), 10);
    // Without the parent's `delete` the result would be correct.
    const trapped = forked(library, [[second, 2n]], () => table.delete(second));
    assert.ok([-SIGTRAP, -SIGILL].includes(trapped), `${trapped}`);
  });
}

test("a child invokes slow trampolines, and sees its parent's changes to them", { skip }, () => {
  const library = openLibrary();
  const { pc } = library;
  const changed = createTrampoline({ mode: 'slow', registers: { pc, ...registers(1n) } });
  const freed = createTrampoline({ mode: 'slow', registers: { pc, ...registers(2n) } });
  const expected: Expected = [
    [changed.address, 10n],
    [freed.address, 2n],
  ];
  const change = () => changed.update({ registers: { pc, ...registers(10n) } });
  assert.equal(forked(library, expected, change), 0);
  assert.equal(changed.stats().invocations, 0n, 'the child counts for itself');
  const { address } = freed;
  assert.equal(
    forked(library, [[address, 2n]], () => freed.close()),
    -SIGSEGV,
  );
  changed.close();
});

test('children of a process whose threads are busy', { skip }, (t) => {
  const library = openLibrary();
  const { pc } = library;
  using inline = createTrampolineTable({ registers: ['arg0', 'arg1'] });
  using atomic = createTrampolineTable({ registers: ['arg0', 'arg1'], atomic: true });
  using single = createTrampoline({ registers: { pc, ...registers(1n) } });
  const tables = [inline, atomic];
  const stable = tables.flatMap((table) =>
    [1n, 2n, 3n].map((value) => [table.add({ pc, ...registers(value) }), value] as const),
  );
  const changing = atomic.add({ pc, ...registers(0n) });
  const list = BigInt64Array.from([...stable, [changing, any], [single.address, any]].flat());
  const { start, length } = dataOf(stable[0]![0]);

  const forks = 50;
  const count = stable.length + 2;
  assert.equal(library.stormStart(addressOf(list), stable.length, count, forks, start, length), 0);
  let changes = 0n;
  while (library.stormRunning() !== 0) {
    changes++;
    for (const table of tables) {
      const address = table.add({ pc, ...registers(changes) });
      table.set(address, registers(changes + 1n));
      table.delete(address);
    }
    atomic.set(changing, registers(changes));
    single.update({ registers: { pc, ...registers(changes) } });
  }
  t.diagnostic(`${forks} forks, ${changes} rounds of changes`);
  assert.equal(library.stormJoin(), 0);
  assert.notEqual(list.length, 0);
});
