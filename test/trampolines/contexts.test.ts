import { test } from 'node:test';
import { createTrampoline, limits, type RegisterName } from 'trampfd';
import { allFlags, captureTarget } from '../support/capture.js';
import { type Contexts, check, checkNew, kinds, stackOf, valuesFor } from '../support/contexts.js';
import { emulated, needs } from '../support/needs.js';
import { fullSets, processor, someRegisters } from '../support/processor.js';
import { type Random, randomFor, rounds } from '../support/random.js';

const skip = needs('gcc');
const { settable, scratch, aliases, alignments } = processor;

for (const kind of kinds) {
  test(`${kind}: each register, none, and all of them`, { skip }, (t) => {
    const random = randomFor(t);
    const names = [...settable, ...aliases.keys()] as RegisterName[];
    const full = kind.startsWith('slow') ? [settable] : fullSets;
    for (const set of [...names.map((name) => [name]), [], ...full, ...full.map((all) => all.toReversed())]) {
      checkNew(random, { registers: valuesFor(random, set), stack: undefined }, kind);
    }
  });
}

test('random sets of registers', { skip }, (t) => {
  const random = randomFor(t);
  for (let left = rounds({ normal: 100, long: 1000 }); left > 0; left--) {
    checkNew(random, { registers: valuesFor(random, someRegisters(random)), stack: undefined });
  }
});

test('stack data of every size, alone and with all registers', { skip }, (t) => {
  const random = randomFor(t);
  for (let size = 1; size <= limits.stackSize; size += emulated ? 3 : 1) {
    for (const setSp of [false, true]) {
      const registers = random.flip() ? {} : valuesFor(random, random.pick(fullSets));
      checkNew(random, { registers, stack: stackOf(random, { size, setSp }) });
    }
  }
});

test('stack data at every offset', { skip }, (t) => {
  const random = randomFor(t);
  for (let offset = 0; offset <= limits.stackOffset; offset += emulated ? 15 : 1) {
    checkNew(random, { registers: {}, stack: stackOf(random, { offset }) });
  }
});

test('stack data below every alignment of the stack pointer', { skip }, (t) => {
  const random = randomFor(t);
  const starts = alignments.map((alignment) => ({ alignment }));
  for (const setSp of [false, true]) {
    for (const kind of kinds)
      checkNew(random, { registers: {}, stack: stackOf(random, { setSp }) }, kind, starts);
  }
});

test('every combination of flags passes', { skip }, (t) => {
  const random = randomFor(t);
  const starts = allFlags().map((flags) => ({ flags }));
  for (const names of [[], [settable[0]!]]) {
    for (const stack of [undefined, stackOf(random, { setSp: false }), stackOf(random, { setSp: true })]) {
      for (const kind of ['trampoline', 'slow trampoline'] as const) {
        checkNew(random, { registers: valuesFor(random, names), stack }, kind, starts);
      }
    }
  }
});

test('random registers with random stack data', { skip }, (t) => {
  const random = randomFor(t);
  for (let left = rounds({ normal: 100, long: 3000 }); left > 0; left--) {
    const contexts = { registers: valuesFor(random, someRegisters(random)), stack: stackOf(random) };
    checkNew(random, contexts, random.pick(kinds), [
      {},
      { alignment: 0 },
      { alignment: random.pick(alignments) },
    ]);
  }
});

test('signals on the same stack', { skip }, (t) => {
  const random = randomFor(t);
  const starts = [{ signalStack: false }, { signalStack: false, alignment: alignments.at(3) ?? 0 }];
  for (const kind of kinds) {
    for (const stack of [undefined, stackOf(random, { setSp: false }), stackOf(random, { setSp: true })]) {
      checkNew(random, { registers: valuesFor(random, [scratch[1], 'arg1']), stack }, kind, starts);
    }
    // Where the frame keeps the state of the FPU.
    const low = stackOf(random, { offset: limits.stackOffset, size: limits.stackSize });
    checkNew(random, { registers: {}, stack: low }, kind, starts);
  }
});

for (const mode of ['fast', 'slow'] as const) {
  test(`contexts that change one after the other, ${mode}`, { skip }, (t) => changes(randomFor(t), mode));
}

function changes(random: Random, mode: 'fast' | 'slow'): void {
  let contexts: Contexts = { registers: {}, stack: undefined };
  const trampoline = createTrampoline({ mode, registers: { pc: captureTarget() } });
  for (let left = rounds({ normal: 100, long: 1000 }); left > 0; left--) {
    if (random.flip()) {
      contexts = {
        ...contexts,
        registers: valuesFor(random, random.pick([[settable[0]!], [scratch[1], 'arg0'], ...fullSets])),
      };
      trampoline.update({ registers: { pc: captureTarget(), ...contexts.registers } });
    } else {
      const stack = random.pick([undefined, stackOf(random, { size: random.pick([3, 16]), offset: 0 })]);
      contexts = { ...contexts, stack };
      if (stack === undefined) trampoline.update({ stackData: null });
      else trampoline.update({ stackData: { data: stack.data, offset: stack.offset, setSp: stack.setSp } });
    }
    check(random, trampoline, contexts);
  }
  trampoline.close();
}
