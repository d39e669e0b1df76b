/** Cost of creating and freeing a trampoline, compared with libffi, and by number of live trampolines. */
import { createTrampoline, createTrampolineTable } from 'trampfd';
import {
  assertResult,
  type Contender,
  type OnProgress,
  type Row,
  runInterleaved,
  type Subject,
} from './harness.js';
import * as inC from './make-c.js';
import { assertEach, target, third } from './native.js';
import { liveCounts } from './variants.js';

/** Enough for a garbage collection in most rounds. */
const pairs = 100_000;
const rounds = 31;

/** Third arguments of the trampolines: they vary, as in a program. */
const values = Array.from({ length: 256 }, (_, index) => 2n ** 40n + BigInt(index));
const sumOfValues = values.reduce((sum, value) => sum + value);

type Table = ReturnType<typeof newTable>;
const newTable = (atomic = false) => createTrampolineTable({ registers: ['arg2'], atomic });

const groups = {
  alternately: 'Create and free, one at a time',
  scattered: 'Free many at random positions and create as many, by number of live ones',
} as const;

export const make: Subject = { name: 'make', title: 'Create and free one', measure };

function measure(onProgress: OnProgress): Row[] {
  const pc = target();
  const tables = liveCounts.map((live) => filledTable(live, pc));
  const atomic = newTable(true);
  checkTable(atomic, pc);
  checkSingles(pc);
  const rivals = inC.alternating(groups.alternately);
  const alternately = [
    ...tables.map(({ table }, index) =>
      contender(`live-${liveCounts[index]}`, `add + delete, among ${amount(index)} live`, 'alternately', () =>
        addAndDelete(table, pc),
      ),
    ),
    contender('atomic', 'add + delete, atomic table', 'alternately', () => addAndDelete(atomic, pc)),
    contender('single', 'createTrampoline + close', 'alternately', () => createAndClose(pc)),
    ...rivals.contenders,
  ];
  const figures = runInterleaved(alternately, { rounds }, (done) => onProgress(done / 2));

  const scattered = [
    ...tables.map(({ table, some }, index) => ({
      ...contender(`scattered-${liveCounts[index]}`, 'table trampoline', 'scattered', () =>
        replace(table, pc, some),
      ),
      count: liveCounts[index]!,
    })),
    // Last, since it fragments libffi's heap, which the other row of libffi uses.
    ...inC.scattered(groups.scattered),
  ];
  figures.push(...runInterleaved(scattered, { rounds }, (done) => onProgress((1 + done) / 2)));

  for (const { table } of tables) table.close();
  atomic.close();
  return [...figures, ...rivals.unavailable];
}

function amount(index: number): string {
  return liveCounts[index]!.toLocaleString('en');
}

/** Returns a table with `live` trampolines, and addresses of some of them at random positions. */
function filledTable(live: number, pc: bigint): { table: Table; some: BigUint64Array } {
  const table = newTable();
  checkTable(table, pc);
  const addresses = table.addMany({ pc, arg2: third }, live);
  assertEach('addMany', addresses, third * BigInt(live));
  const length = Math.min(live / 2, pairs);
  const step = inC.stepThrough(live);
  const some = new BigUint64Array(length).map((_, index) => addresses[(index * step) % live]!);
  assertResult('picking', new Set(some).size, length);
  return { table, some };
}

/** Adds one trampoline of each value, calls them, and deletes them. */
function checkTable(table: Table, pc: bigint): void {
  const addresses = BigUint64Array.from(values, (arg2) => table.add({ pc, arg2 }));
  assertEach('add', addresses, sumOfValues);
  for (const address of addresses) assertResult('delete', Number(table.delete(address)), 1);
}

function checkSingles(pc: bigint): void {
  const trampolines = values.map((arg2) => createTrampoline({ registers: { pc, arg2 } }));
  const addresses = BigUint64Array.from(trampolines, ({ address }) => address);
  assertEach('createTrampoline', addresses, sumOfValues);
  for (const trampoline of trampolines) trampoline.close();
}

function contender(name: string, title: string, group: keyof typeof groups, round: () => number): Contender {
  return { id: `make.${name}`, title, group: groups[group], unit: 'ns', round };
}

function addAndDelete(table: Table, pc: bigint): number {
  const live = table.size;
  let deleted = 0;
  const start = process.hrtime.bigint();
  for (let i = 0; i < pairs; i++) {
    if (table.delete(table.add({ pc, arg2: values[i & 255]! }))) deleted++;
  }
  const time = Number(process.hrtime.bigint() - start) / pairs;
  assertResult('add + delete', deleted, pairs);
  assertResult('add + delete', table.size, live);
  return time;
}

/** Deletes trampolines at many positions, then adds as many. */
function replace(table: Table, pc: bigint, some: BigUint64Array): number {
  const live = table.size;
  const start = process.hrtime.bigint();
  for (let i = 0; i < some.length; i++) table.delete(some[i]!);
  const left = table.size;
  for (let i = 0; i < some.length; i++) some[i] = table.add({ pc, arg2: values[i & 255]! });
  const time = Number(process.hrtime.bigint() - start) / some.length;
  assertResult('delete', left, live - some.length);
  assertResult('add', table.size, live);
  return time;
}

function createAndClose(pc: bigint): number {
  const count = pairs / 10;
  let created = 0n;
  const start = process.hrtime.bigint();
  for (let i = 0; i < count; i++) {
    const trampoline = createTrampoline({ registers: { pc, arg2: values[i & 255]! } });
    if (trampoline.address !== 0n) created++;
    trampoline.close();
  }
  const time = Number(process.hrtime.bigint() - start) / count;
  assertResult('createTrampoline', created, BigInt(count));
  return time;
}
