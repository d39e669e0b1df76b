import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createTrampoline, createTrampolineTable, symbolAddress } from 'trampfd';
import { compare } from '../support/calls.js';

const memcmp = symbolAddress('memcmp');
const word = fc.bigInt(0n, 2n ** 64n - 1n);
const layouts = [
  { atomic: false, isolated: false },
  { atomic: true, isolated: false },
  { atomic: false, isolated: true },
  { atomic: true, isolated: true },
  { mode: 'slow' },
] as const;

for (const layout of layouts) {
  describe(`a table, ${JSON.stringify(layout)}`, () => {
    test('adds, changes and deletes trampolines that work', () => {
      const table = createTrampolineTable({ registers: ['arg2'], ...layout });
      const one = table.add({ pc: memcmp, arg2: 1n });
      const two = table.add({ arg2: 2n, pc: memcmp });
      assert.equal(compare(one, 'ax', 'ay'), 0);
      assert.equal(compare(two, 'ax', 'ay'), -1);
      assert.deepEqual(table.get(two), { pc: memcmp, arg2: 2n });
      table.set(two, { arg2: 1n });
      assert.equal(compare(two, 'ax', 'ay'), 0);
      assert.deepEqual(table.get(two), { pc: memcmp, arg2: 1n });
      assert.equal(table.size, 2);
      assert.deepEqual(
        [...table],
        [
          [one, { pc: memcmp, arg2: 1n }],
          [two, { pc: memcmp, arg2: 1n }],
        ],
      );
      assert.equal(table.delete(one), true);
      assert.equal(table.delete(one), false, 'deleting again does nothing');
      assert.equal(table.has(one), false);
      assert.equal(table.get(one), undefined);
      assert.equal(table.size, 1);
      assert.ok(table.byteLength > 0);
      table.close();
      table.close();
      assert.throws(() => table.add({ pc: memcmp, arg2: 1n }), {
        name: 'TrampfdError',
        code: 'ERR_TRAMPFD_CLOSED',
        message: 'Cannot add a trampoline to this table: it is closed',
      });
      assert.throws(() => table.get(two), { code: 'ERR_TRAMPFD_CLOSED' });
      assert.equal(table.has(two), false);
    });

    test('adds many by column and by function', () => {
      const table = createTrampolineTable({ registers: ['arg2', 'arg5'], stackData: { size: 3 }, ...layout });
      const lengths = new BigUint64Array(5000).map((_, index) => BigInt(index));
      const stacks = new Uint8Array(15_000).map((_, index) => index);
      const byColumn = table.addMany({
        pc: memcmp,
        arg2: lengths,
        arg5: (index) => BigInt(-index),
        stackData: stacks,
      });
      assert.equal(byColumn.length, 5000);
      assert.equal(new Set(byColumn).size, 5000);
      assert.deepEqual(table.get(byColumn[4321]!), {
        pc: memcmp,
        arg2: 4321n,
        arg5: 2n ** 64n - 4321n,
        stackData: stacks.slice(3 * 4321, 3 * 4321 + 3),
      });
      assert.equal(compare(byColumn[1]!, 'ax', 'ay'), 0);
      assert.equal(compare(byColumn[2]!, 'ax', 'ay'), -1);

      const stackData = Uint8Array.of(7, 8, 9);
      const byFunction = table.addMany(10, (index) => ({
        pc: memcmp,
        arg2: BigInt(index),
        arg5: 1n,
        stackData,
      }));
      assert.deepEqual(table.get(byFunction[9]!), { pc: memcmp, arg2: 9n, arg5: 1n, stackData });
      const constant = table.addMany({ pc: memcmp, arg2: 1n, arg5: 2n, stackData }, 3);
      assert.deepEqual(table.get(constant[2]!), { pc: memcmp, arg2: 1n, arg5: 2n, stackData });
      assert.equal(table.addMany({ pc: memcmp, arg2: 1n, arg5: 2n, stackData }, 0).length, 0);
      assert.equal(table.size, 5013);
      table.close();
    });

    test('adds all or none', () => {
      const table = createTrampolineTable({ registers: ['arg2'], ...layout });
      const pcs = BigUint64Array.of(memcmp, memcmp, 0n);
      assert.throws(() => table.addMany({ pc: pcs, arg2: 1n }), /pc must not be 0/);
      assert.throws(() => table.addMany({ pc: memcmp, arg2: 1n }), /no column has a length/);
      assert.throws(
        () => table.addMany({ pc: pcs, arg2: new BigUint64Array(2) }),
        /differ in length: pc 3, arg2 2/,
      );
      assert.throws(() => table.addMany({ pc: pcs, arg2: 1n }, 4), /differ in length/);
      assert.throws(
        () => table.addMany(3, (index) => ({ pc: memcmp, arg2: index as unknown as bigint })),
        /write 0n/,
      );
      assert.equal(table.size, 0);
      table.close();
    });

    test('behaves like a map from addresses to values', () => {
      const table = createTrampolineTable({ registers: ['arg1', 'chain'], ...layout });
      const model = new Map<bigint, { pc: bigint; arg1: bigint; chain: bigint }>();
      const pc = fc.bigInt(1n, 2n ** 64n - 1n);
      const values = fc.record({ pc, arg1: word, chain: word }, { noNullPrototype: true });
      const step = fc.oneof(
        { weight: 3, arbitrary: fc.record({ do: fc.constant('add'), values, pick: fc.nat() }) },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('delete'), values, pick: fc.nat() }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('set'), values, pick: fc.nat() }) },
      );
      fc.assert(
        fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
          for (const { do: action, values: given, pick } of steps) {
            const address = [...model.keys()][pick % Math.max(1, model.size)];
            if (action === 'add') {
              const added = table.add(given);
              assert.ok(!model.has(added), 'addresses of live trampolines are unique');
              model.set(added, given);
            } else if (address !== undefined && action === 'delete') {
              assert.ok(table.delete(address));
              model.delete(address);
            } else if (address !== undefined) {
              table.set(address, given);
              model.set(address, given);
            }
          }
          assert.deepEqual(new Map(table), model);
          assert.equal(table.size, model.size);
        }),
        { numRuns: 30 },
      );
      table.close();
    });
  });
}

test('an address of another table is refused', () => {
  const table = createTrampolineTable({ registers: ['arg2'], name: 'mine' });
  const other = createTrampolineTable({ registers: ['arg2'] });
  const foreign = other.add({ pc: memcmp, arg2: 1n });
  const own = table.add({ pc: memcmp, arg2: 1n });
  const wrong = [foreign, own + 1n, own + 16n, own + 2n ** 64n, own - 2n ** 64n, 0n, 2n ** 64n - 1n, -1n];
  for (const address of [...wrong, createTrampoline({ registers: { pc: memcmp } }).address]) {
    assert.throws(() => table.delete(address), /^RangeError: .* is not an address of the table "mine"/);
    assert.throws(() => table.get(address), RangeError);
    assert.throws(() => table.set(address, { arg2: 2n }), RangeError);
    assert.equal(table.has(address), false);
  }
  assert.throws(
    () => table.delete(Number(own) as unknown as bigint),
    /address must be a bigint, not a number: write \d+n/,
  );
  assert.equal(other.size, 1);
  assert.equal(table.size, 1);
});

test('tables of one shape reuse code', () => {
  const first = createTrampolineTable({ registers: ['arg2'] });
  const address = first.add({ pc: memcmp, arg2: 1n });
  first.close();
  const second = createTrampolineTable({ registers: ['arg2'] });
  assert.equal(second.size, 0);
  assert.equal(second.has(address), false);
  assert.equal(compare(second.add({ pc: memcmp, arg2: 1n }), 'ax', 'ay'), 0);
});

test('a frozen table works and refuses every change', () => {
  for (const layout of layouts.filter((layout) => !('mode' in layout))) {
    const table = createTrampolineTable({ registers: ['arg2'], ...layout });
    const address = table.add({ pc: memcmp, arg2: 1n });
    table.freeze();
    assert.equal(compare(address, 'ax', 'ay'), 0);
    assert.deepEqual(table.get(address), { pc: memcmp, arg2: 1n });
    assert.throws(() => table.set(address, { arg2: 2n }), {
      code: 'ERR_TRAMPFD_FROZEN',
      message: /set a trampoline of this table: it is frozen/,
    });
    assert.throws(() => table.add({ pc: memcmp, arg2: 2n }), { code: 'ERR_TRAMPFD_FROZEN' });
    assert.throws(() => table.delete(address), { code: 'ERR_TRAMPFD_FROZEN' });
    table.close();
    assert.equal(compare(address, 'ax', 'ay'), 0, 'it stays mapped');
  }
});

test('a table of slow trampolines cannot be frozen, and stays open', () => {
  const table = createTrampolineTable({ mode: 'slow', registers: ['arg2'] });
  const address = table.add({ pc: memcmp, arg2: 1n });
  assert.throws(() => table.freeze(), /^TypeError: Cannot freeze a table of slow trampolines/);
  table.set(address, { arg2: 2n });
  assert.equal(compare(address, 'ax', 'ay'), -1);
  assert.ok(table.delete(address));
  table.close();
});

describe('values computed by code that changes the table', () => {
  const make = (atomic: boolean) => createTrampolineTable({ registers: ['arg2'], atomic });
  type Table = ReturnType<typeof make>;
  /** Values whose PC is a getter. */
  const sly = (sideEffect: () => void) => ({
    get pc() {
      sideEffect();
      return memcmp;
    },
    arg2: 1n,
  });

  for (const atomic of [false, true]) {
    const title = atomic ? ', atomic' : '';
    test(`adding to it is detected${title}`, () => {
      const table = make(atomic);
      assert.throws(() => table.add(sly(() => table.add({ pc: memcmp, arg2: 7n }))), TypeError);
      assert.equal(table.size, 1, 'only the inner one was added');
    });

    test(`freezing and closing it is detected${title}`, () => {
      const uses: ((table: Table, sideEffect: () => void) => unknown)[] = [
        (table, sideEffect) => table.add(sly(sideEffect)),
        (table, sideEffect) => table.addMany(3, () => sly(sideEffect)),
        (table, sideEffect) => table.addMany({ pc: memcmp, arg2: () => sly(sideEffect).pc }, 3),
        (table, sideEffect) => table.set([...table][0]![0], sly(sideEffect)),
      ];
      for (const use of uses) {
        for (const act of ['freeze', 'close'] as const) {
          const table = make(atomic);
          table.add({ pc: memcmp, arg2: 1n });
          const code = act === 'close' ? 'ERR_TRAMPFD_CLOSED' : 'ERR_TRAMPFD_FROZEN';
          assert.throws(() => use(table, () => table[act]()), { code });
        }
      }
    });

    test(`deleting the trampoline that is set is detected${title}`, () => {
      const table = make(atomic);
      const address = table.add({ pc: memcmp, arg2: 1n });
      assert.throws(
        () =>
          table.set(
            address,
            sly(() => table.delete(address)),
          ),
        { code: 'ERR_TRAMPFD_FREED', message: /^Cannot set the trampoline at 0x[0-9a-f]+: it was deleted$/ },
      );
      assert.equal(table.size, 0);
      assert.notEqual(table.add({ pc: memcmp, arg2: 2n }), address, 'it is not reused immediately');
    });

    test(`addMany, when it fails, does not delete again what a function has deleted${title}`, () => {
      const table = make(atomic);
      const values = (index: number) => {
        if (index < 2) return { pc: memcmp, arg2: 1n };
        for (const [address] of table) table.delete(address);
        return { pc: 0n, arg2: 1n };
      };
      assert.throws(() => table.addMany(3, values), /pc must not be 0/);
      assert.equal(table.size, 0);
      const addresses = [table.add({ pc: memcmp, arg2: 1n }), table.add({ pc: memcmp, arg2: 1n })];
      assert.notEqual(addresses[0], addresses[1]);
    });
  }
});

test('columns of subclasses whose properties are wrong are not read out of bounds', () => {
  class Longer extends BigUint64Array {
    override get length(): number {
      return 1_000_000;
    }
  }
  /** Loses its memory while it is read. */
  class Detached extends BigUint64Array {
    override get length(): number {
      if (this.byteLength > 0) structuredClone(this.buffer, { transfer: [this.buffer as ArrayBuffer] });
      return 2;
    }
  }
  const table = createTrampolineTable({ registers: ['arg2'] });
  const pc = BigUint64Array.of(memcmp, memcmp);
  const before = table.add({ pc: memcmp, arg2: 1n });
  for (const columns of [
    { pc, arg2: new Longer(2) },
    { pc: new Longer(2).fill(memcmp), arg2: 1n },
    { pc: new Detached(2).fill(memcmp), arg2: 1n },
  ]) {
    assert.throws(() => table.addMany(columns), /RangeError|TypeError/);
    assert.deepEqual(
      [...table].map(([address]) => address),
      [before],
    );
  }
  table.close();
});

test('closing a table while iterating ends the iteration', () => {
  const table = createTrampolineTable({ registers: [] });
  table.addMany({ pc: memcmp }, 2);
  let seen = 0;
  for (const _ of table) {
    seen++;
    table.close();
  }
  assert.equal(seen, 1);
});

test('properties of a prototype are ignored', () => {
  const table = createTrampolineTable({ registers: ['arg2'] });
  const values = Object.assign(Object.create({ arg9: 1n }), { pc: memcmp, arg2: 3n });
  assert.deepEqual(table.get(table.add(values)), { pc: memcmp, arg2: 3n });
  table.close();
});
