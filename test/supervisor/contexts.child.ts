/** Writes random contexts to supervised objects, reads them back and invokes: `contexts fast|slow rounds seed`. */
import assert from 'node:assert/strict';
import { limits, type RegisterName } from 'trampfd';
import { allFlags } from '../support/capture.js';
import { type Contexts, check, type Start, stackOf, valuesFor } from '../support/contexts.js';
import { fullSets, processor, someRegisters } from '../support/processor.js';
import { Random } from '../support/random.js';
import { SupervisedObject } from '../support/supervised-object.js';

const [mode, rounds, seed] = process.argv.slice(2);
const slow = mode === 'slow';
const random = new Random(Number(seed));
const instances = 5;
const { settable, scratch, alignments } = processor;
const object = new SupervisedObject({ slow, count: instances });

function checkOne(contexts: Contexts, start: Start = { alignment: random.pick(alignments) }): void {
  const index = random.integer({ to: instances - 1 });
  for (const { written, back } of object.set(index, contexts)) assert.deepEqual(back, written);
  const made = {
    address: object.address(index),
    lost: slow ? [] : scratch,
    parks: !slow && scratch.every((name) => Object.hasOwn(contexts.registers, name)),
  };
  check(random, made, contexts, start);
}

const some = (): RegisterName[] => (slow ? random.some(settable) : someRegisters(random));
const full = slow ? [settable] : fullSets;
for (const names of [
  ...settable.map((name) => [name]),
  [],
  ...full,
  ...full.map((all) => all.toReversed()),
]) {
  checkOne({ registers: valuesFor(random, names), stack: undefined });
}
for (let size = 1; size <= limits.stackSize; size++) {
  for (const setSp of [false, true]) {
    checkOne({ registers: valuesFor(random, some()), stack: stackOf(random, { size, setSp }) });
  }
}
for (let left = Number(rounds); left > 0; left--) {
  const stack = random.flip() ? stackOf(random) : undefined;
  checkOne({ registers: valuesFor(random, some()), stack });
}
for (const flags of allFlags()) {
  checkOne({ registers: {}, stack: stackOf(random) }, { flags });
}
console.log('EXIT-SUCCESS');
