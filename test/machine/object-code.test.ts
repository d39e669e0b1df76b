/** The code of supervised objects: its effects, and its constant blinding. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseRegisters } from '#src/core/contexts.js';
import { registerNumber } from '#src/core/registers.js';
import { addressOf, limits, type RegisterName, symbolAddress } from '#src/index.js';
import type { ObjectContexts } from '#src/machine/index.js';
import { hostMachine } from '#src/native/host.js';
import { captureTarget } from '../support/capture.js';
import { runChild } from '../support/child.js';
import { compileLibrary } from '../support/compile.js';
import { type Contexts, check, objectContexts, stackOf, valuesFor } from '../support/contexts.js';
import koffi from '../support/koffi.js';
import { emulated, needs } from '../support/needs.js';
import { mapCode, ObjectRange } from '../support/object-range.js';
import { fullSets, processor, someRegisters } from '../support/processor.js';
import { Random, randomFor, rounds } from '../support/random.js';

const skip = needs('gcc');
const { supervised: code, registerFile } = hostMachine();
const { settable: registerNames, scratch, belowUse, canSet, bodyFiller, bodyTail } = processor;
/** An argument register, and a caller-saved one without an argument. */
const argument = processor.aliases.get('arg2') as RegisterName;
const [plain] = processor.temporary;

/** Position of a body that is not invoked. */
const place = { offset: 2 ** 20, entriesLength: code.entries.length(3) };

const contextsOf = ({ registers, stack }: Contexts, pc: bigint): ObjectContexts =>
  objectContexts(parseRegisters({ pc, ...registers }, registerFile), stack);

/** Sets of registers that leave different registers for the code itself. */
const notable = [
  [],
  ...scratch.map((name) => [name]),
  [...scratch],
  [plain, ...scratch],
  ...fullSets,
  ...scratch.map((left) => registerNames.filter((name) => name !== left)),
].filter(canSet);

/** Layouts of the longest bodies. */
const largest = [limits.stackSize - 1, limits.stackSize].flatMap((size) =>
  [false, true].map((setSp) => ({ size, offset: limits.stackOffset, setSp })),
);

describe('a body', { skip }, () => {
  const instances = 40;

  /** Writes a body for each of the contexts and invokes it through both mappings. */
  function checkAll(random: Random, all: readonly Contexts[]): void {
    const range = new ObjectRange({ count: instances, bodies: all.length });
    all.forEach((contexts, index) => {
      const instance = index % instances;
      const made = contextsOf(contexts, captureTarget());
      range.select(instance, range.append(made, random));
      const below = belowUse(Object.keys(contexts.registers));
      for (const mapping of [0, 1] as const) {
        const address = range.entry(instance, mapping);
        check(random, { address, lost: scratch, ...below }, contexts, {
          alignment: random.pick(processor.alignments),
        });
      }
    });
    range.free();
  }

  test('applies random contexts', (t) => {
    const random = randomFor(t);
    const batch = emulated ? 100 : 600;
    for (let left = rounds({ normal: batch, long: 30_000 }); left > 0; left -= batch) {
      checkAll(
        random,
        Array.from({ length: batch }, () => ({
          registers: valuesFor(random, someRegisters(random)),
          stack: random.flip() ? stackOf(random) : undefined,
        })),
      );
    }
  });

  test('writes stack data of every size, whichever registers are left', (t) => {
    const random = randomFor(t);
    const layouts = Array.from({ length: 2 * limits.stackSize }, (_, index) => ({
      size: 1 + (index >> 1),
      setSp: index % 2 === 0,
    }));
    const stacks = [undefined, ...[...layouts, ...largest].map((layout) => stackOf(random, layout))];
    checkAll(
      random,
      notable.flatMap((names) =>
        stacks
          .filter(() => !emulated || random.integer({ to: 7 }) === 0)
          .map((stack) => ({ registers: valuesFor(random, names), stack })),
      ),
    );
  });

  test('has the size of the longest one, rounded up to 64', (t) => {
    const random = randomFor(t);
    const lengths = largest.flatMap((layout) =>
      fullSets.map((names) => {
        const contexts = { registers: valuesFor(random, names), stack: stackOf(random, layout) };
        const body = code.body(contextsOf(contexts, random.word()), () => 2n ** 63n - 2n ** 31n - 1n, place);
        assert.equal(body.length, code.bodySize);
        return body.findLastIndex((byte) => byte !== bodyFiller) + 1;
      }),
    );
    assert.equal(code.bodySize, Math.ceil((Math.max(...lengths) + bodyTail) / 64) * 64);
  });
});

test('invocations on other threads never see a mix of two bodies', { skip }, (t) => {
  const random = randomFor(t);
  const bodies = rounds({ normal: 10_000, long: 200_000 });
  const calls = rounds({ normal: 5_000_000, long: 500_000_000 });
  const path = compileLibrary('storm', ['storm.c']);
  const storm = koffi.load(path);
  const count = storm.func('long storm_calls()') as () => number;
  const targets = [symbolAddress('five', path), symbolAddress('two', path)] as const;
  const range = new ObjectRange({ count: 3, bodies });

  const places: number[] = [];
  const others = [[], [plain], ...scratch.map((name) => [plain, name])];
  const append = () => {
    const five = random.flip();
    const value = (random.word() & ~1n) | (five ? 0n : 1n);
    const names = (['arg1', 'arg2', 'arg3', 'arg4', 'arg5'] as const).slice(0, five ? 5 : 2);
    // Additional registers vary the length of bodies.
    const along = valuesFor(random, random.pick(others));
    const registers = { ...along, ...Object.fromEntries(names.map((name) => [name, value])) };
    const contexts = contextsOf({ registers, stack: undefined }, targets[five ? 0 : 1]);
    places.push(range.append(contexts, random));
    range.select(1, places.at(-1)!);
  };
  append();
  storm.func('int storm_start(uintptr_t, int)')(range.entry(1), 2);
  while (places.length < bodies || count() < calls) {
    if (places.length < bodies) append();
    else for (let turn = 0; turn < 1000; turn++) range.select(1, random.pick(places));
  }
  assert.equal(storm.func('long storm_stop()')(), 0);
  range.free();
});

test('an object without registers traps', { skip }, () => {
  for (const index of ['0', '7']) {
    const { signal, stdout } = runChild('machine/object-trap', [index]);
    assert.equal(signal, 'SIGTRAP');
    assert.equal(stdout, 'mapped\n');
  }
});

test('a table loads the words of its arrays, with every pair of registers', { skip }, (t) => {
  const random = randomFor(t);
  const count = 5;
  const arrays = new BigUint64Array(2 * count);
  const tables = { codeTable: addressOf(arrays), dataTable: addressOf(arrays) + BigInt(8 * count) };
  // Under emulation, all pairs with a register of the code itself, and a sample of the others.
  const isTried = (...pair: RegisterName[]) =>
    !emulated || pair.some((name) => scratch.includes(name)) || random.integer({ to: 7 }) === 0;
  for (const codeName of registerNames) {
    for (const dataName of registerNames.filter((name) => name !== codeName && isTried(codeName, name))) {
      const numbers = registerFile.numbers;
      const registers = { codeRegister: numbers[codeName]!, dataRegister: numbers[dataName]! };
      const { bytes, stride } = code.tableCode({ count, ...registers, ...tables }, () => random.word());
      const { addresses, free } = mapCode(bytes, 2);
      const set = [codeName, dataName];
      const made = { lost: scratch, ...belowUse(set), parks: scratch.every((name) => set.includes(name)) };
      for (const [copy, address] of addresses.entries()) {
        const index = random.integer({ to: count - 1 });
        // Every invocation reads the arrays.
        for (let at = 0; at < arrays.length; at++) arrays[at] = random.word();
        arrays[index] = captureTarget();
        const registers = { [codeName]: captureTarget(), [dataName]: arrays[count + index]! };
        const entry = address + BigInt(index * stride);
        check(random, { ...made, address: entry }, { registers, stack: undefined }, { alignment: copy });
      }
      free();
    }
  }
});

test('the registers of a table must differ and not be the PC', () => {
  const [one, pc] = [argument, 'pc'].map((name) => registerNumber(registerFile, name)) as [number, number];
  for (const [codeRegister, dataRegister] of [
    [one, one],
    [pc, one],
    [one, pc],
    [0, one],
    [one, pc + 1],
  ] as const) {
    const contexts = { count: 1, codeRegister, dataRegister, codeTable: 8n, dataTable: 16n };
    assert.throws(() => code.tableCode(contexts, () => 0n), RangeError);
  }
});

test('selectors that overlap the entries are rejected', () => {
  assert.throws(() => code.entries.code(2, { selectorsOffset: 2 * code.entries.stride - 8 }), RangeError);
  assert.throws(() => code.entries.code(2, { selectorsOffset: 2 ** 32 }), RangeError);
});

describe('values that a program chose', () => {
  /** Fixed seed, since random bytes may match by chance. */
  const random = new Random(2);
  const fresh = () => random.word();

  interface Sample {
    readonly name: string;
    /** Returns code for new values, and the bytes of the values. */
    make(): { code: Uint8Array; chosen: readonly Uint8Array[] };
  }

  const little = (value: bigint): Uint8Array => new Uint8Array(BigUint64Array.of(value).buffer);

  function bodyOf(names: readonly RegisterName[], layout?: Parameters<typeof stackOf>[1]): Sample {
    return {
      name: `a body for ${names.length} registers${layout === undefined ? '' : ' and stack data'}`,
      make() {
        const stack = layout && stackOf(random, layout);
        const contexts = contextsOf({ registers: valuesFor(random, names), stack }, random.word());
        const values = [contexts.pc, ...contexts.assignments.map(({ value }) => value)].map(little);
        return {
          code: code.body(contexts, fresh, place),
          chosen: [...values, ...(stack ? [stack.data] : [])],
        };
      },
    };
  }

  function tableOf(codeName: RegisterName, dataName: RegisterName): Sample {
    const numbers = registerFile.numbers;
    const registers = { codeRegister: numbers[codeName]!, dataRegister: numbers[dataName]! };
    return {
      name: `a table for ${codeName} and ${dataName}`,
      make() {
        const [codeTable, dataTable] = [random.word(), random.word()];
        const { bytes } = code.tableCode({ count: 3, ...registers, codeTable, dataTable }, fresh);
        return { code: bytes, chosen: [little(codeTable), little(dataTable)] };
      },
    };
  }

  const samples: readonly Sample[] = [
    ...notable.map((names) => bodyOf(names)),
    ...largest.flatMap((layout) => fullSets.map((names) => bodyOf(names, layout))),
    ...[1, 2, 3, 7, 8].map((size) => bodyOf([argument], { size, offset: 0, setSp: false })),
    tableOf(plain, registerNames[3]!),
    tableOf(...scratch),
  ];
  const times = 200;

  for (const { name, make } of samples) {
    test(`no four bytes appear in ${name}`, () => {
      for (let turn = 0; turn < times; turn++) {
        const made = make();
        const bytes = Buffer.from(made.code);
        for (const value of made.chosen) {
          for (let at = 0; at + 4 <= value.length; at++) {
            assert.equal(bytes.indexOf(value.subarray(at, at + 4)), -1, Buffer.from(value).toString('hex'));
          }
        }
      }
    });
  }

  test('bytes of code are the same for all values, or random', () => {
    const make = (value: bigint) => {
      const registers = Object.fromEntries(fullSets[0]!.map((name) => [name, value]));
      const data = new Uint8Array(limits.stackSize - 1).fill(Number(value & 0xffn));
      const stack = { size: data.length, offset: 0, setSp: true, data };
      return code.body(contextsOf({ registers, stack }, value), fresh, place);
    };
    const values = [1n, 0xcccc_cccc_cccc_ccccn, 2n ** 64n - 1n, 0xc3050f_c3050fn];
    const bodies = values.map((value) => Array.from({ length: times }, () => make(value)));
    const all = bodies.flat();
    for (let at = 0; at < code.bodySize; at++) {
      if (all.every((body) => body[at] === all[0]![at])) continue;
      for (const [index, same] of bodies.entries()) {
        // 200 random bytes have about 140 different values.
        const seen = new Set(same.map((body) => body[at])).size;
        assert.ok(seen > 100, `byte ${at} of bodies for ${values[index]} is one of ${seen}`);
      }
    }
  });
});
