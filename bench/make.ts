/**
 * What it costs to make a trampoline and to free it again, beside libffi, and whether that depends on how
 * many others live.
 */
import { createTrampoline, createTrampolineTable } from 'trampfd';
import { type Contender, prove, type Row, type Subject, type Tell, takeTurns } from './harness.js';
import { closures, scatteredClosures, stepThrough } from './make-rivals.js';
import { proveEach, target, third } from './native.js';

/** So many that garbage collection comes in most rounds. */
const pairs = 100_000;
const rounds = 31;

/** Numbers of live trampolines, as they stand in the ids of the rows. */
export const crowds = [1e3, 1e4, 1e5, 1e6, 1e7];

/** What trampolines are told to load: not always the same, as in a program. */
const values = Array.from({ length: 256 }, (_, index) => 2n ** 40n + BigInt(index));
const sumOfValues = values.reduce((sum, value) => sum + value);

type Table = ReturnType<typeof newTable>;
const newTable = (atomic = false) => createTrampolineTable({ registers: ['arg2'], atomic });

const groups = {
  alternately: 'Make one, free it, make the next',
  scattered: 'Free many at random places, make as many, by number live',
} as const;

export const make: Subject = { name: 'make', title: 'Make one and free it', measure };

function measure(tell: Tell): Row[] {
  const pc = target();
  const tables = crowds.map((live) => crowded(live, pc));
  const atomic = newTable(true);
  proveMaking(atomic, pc);
  proveSingles(pc);
  const rivals = closures(groups.alternately);
  const alternately = [
    ...tables.map(({ table }, index) =>
      contender(`live-${crowds[index]}`, `add + remove, among ${amount(index)} live`, 'alternately', () =>
        addAndRemove(table, pc),
      ),
    ),
    contender('atomic', 'add + remove, atomic table', 'alternately', () => addAndRemove(atomic, pc)),
    contender('single', 'createTrampoline + free', 'alternately', () => createAndFree(pc)),
    ...rivals.contenders,
  ];
  const figures = takeTurns(alternately, { rounds }, (done) => tell(done / 2));

  const scattered = [
    ...tables.map(({ table, some }, index) => ({
      ...contender(`scattered-${crowds[index]}`, 'table trampoline', 'scattered', () =>
        replace(table, pc, some),
      ),
      count: crowds[index]!,
    })),
    // Only now: it leaves libffi's heap full of holes, which its other row would meet.
    ...scatteredClosures(groups.scattered),
  ];
  figures.push(...takeTurns(scattered, { rounds }, (done) => tell((1 + done) / 2)));

  for (const { table } of tables) table.close();
  atomic.close();
  return [...figures, ...rivals.absent];
}

function amount(index: number): string {
  return crowds[index]!.toLocaleString('en');
}

/** A table with live trampolines, and the addresses of some that lie anywhere among them. */
function crowded(live: number, pc: bigint): { table: Table; some: BigUint64Array } {
  const table = newTable();
  proveMaking(table, pc);
  const addresses = table.addMany({ pc, arg2: third }, live);
  proveEach('addMany', addresses, third * BigInt(live));
  const wanted = Math.min(live / 2, pairs);
  const step = stepThrough(live);
  const some = new BigUint64Array(wanted).map((_, index) => addresses[(index * step) % live]!);
  prove('picking', new Set(some).size, wanted);
  return { table, some };
}

/** Makes one trampoline of each value, calls them, and removes them. */
function proveMaking(table: Table, pc: bigint): void {
  const addresses = BigUint64Array.from(values, (arg2) => table.add({ pc, arg2 }));
  proveEach('add', addresses, sumOfValues);
  for (const address of addresses) prove('remove', Number(table.delete(address)), 1);
}

function proveSingles(pc: bigint): void {
  const made = values.map((arg2) => createTrampoline({ registers: { pc, arg2 } }));
  const addresses = BigUint64Array.from(made, ({ address }) => address);
  proveEach('createTrampoline', addresses, sumOfValues);
  for (const trampoline of made) trampoline.close();
}

function contender(name: string, title: string, group: keyof typeof groups, round: () => number): Contender {
  return { id: `make.${name}`, title, group: groups[group], unit: 'ns', round };
}

function addAndRemove(table: Table, pc: bigint): number {
  const live = table.size;
  let removed = 0;
  const start = process.hrtime.bigint();
  for (let i = 0; i < pairs; i++) {
    if (table.delete(table.add({ pc, arg2: values[i & 255]! }))) removed++;
  }
  const time = Number(process.hrtime.bigint() - start) / pairs;
  prove('add + remove', removed, pairs);
  prove('add + remove', table.size, live);
  return time;
}

/** Removes trampolines at many places, then makes as many. */
function replace(table: Table, pc: bigint, some: BigUint64Array): number {
  const live = table.size;
  const start = process.hrtime.bigint();
  for (let i = 0; i < some.length; i++) table.delete(some[i]!);
  const left = table.size;
  for (let i = 0; i < some.length; i++) some[i] = table.add({ pc, arg2: values[i & 255]! });
  const time = Number(process.hrtime.bigint() - start) / some.length;
  prove('remove', left, live - some.length);
  prove('add', table.size, live);
  return time;
}

function createAndFree(pc: bigint): number {
  const count = pairs / 10;
  let made = 0n;
  const start = process.hrtime.bigint();
  for (let i = 0; i < count; i++) {
    const trampoline = createTrampoline({ registers: { pc, arg2: values[i & 255]! } });
    if (trampoline.address !== 0n) made++;
    trampoline.close();
  }
  const time = Number(process.hrtime.bigint() - start) / count;
  prove('createTrampoline', made, BigInt(count));
  return time;
}
