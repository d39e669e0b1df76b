/** Creates trampolines of every kind with the same contexts, invokes them, and checks the complete resulting state. */
import assert from 'node:assert/strict';
import type { RegisterContext, StackLayout } from '#src/core/contexts.js';
import {
  addressOf,
  createTrampoline,
  createTrampolineTable,
  limits,
  type RegisterName,
  type RegisterValues,
  type TableRegister,
} from '#src/index.js';
import type { ObjectContexts } from '#src/machine/supervised-code.js';
import { captureAt, captureTarget, randomState, stateName, word } from './capture.js';
import { processor } from './processor.js';
import { Random } from './random.js';

/** Contexts of a trampoline under test. */
export interface Contexts {
  readonly registers: RegisterValues;
  readonly stack: (StackLayout & { readonly data: Uint8Array }) | undefined;
}

/** An address, with what its invocation may change. */
interface Invocable {
  readonly address: bigint;
  /** Registers that may be clobbered; by default those that a fast trampoline clobbers. */
  readonly lost?: readonly string[];
  /** Whether the PC is written below the part of the stack that is in use. */
  readonly parks?: boolean;
  /** Whether any value may be written there. */
  readonly spills?: boolean;
}

interface TestTrampoline extends Invocable {
  close(): void;
}

const makers = {
  trampoline: (contexts: Contexts) => alone(contexts, 'fast'),
  'slow trampoline': (contexts: Contexts) => alone(contexts, 'slow'),
  'slow table': (contexts: Contexts) => inTable(contexts, { mode: 'slow' }),
  'inline table': (contexts: Contexts) => inTable(contexts, {}),
  'atomic table': (contexts: Contexts) => inTable(contexts, { atomic: true }),
  'isolated table': (contexts: Contexts) => inTable(contexts, { isolated: true }),
  'atomic and isolated table': (contexts: Contexts) => inTable(contexts, { atomic: true, isolated: true }),
};
export const kinds = Object.keys(makers) as (keyof typeof makers)[];

function alone({ registers, stack }: Contexts, mode: 'fast' | 'slow'): TestTrampoline {
  const options = { mode, registers: { pc: captureTarget(), ...registers } };
  if (stack === undefined) return createTrampoline(options);
  const { data, offset, setSp } = stack;
  return createTrampoline({ ...options, stackData: { data, offset, setSp } });
}

function inTable(
  { registers, stack }: Contexts,
  options: { readonly atomic?: boolean; readonly isolated?: boolean; readonly mode?: 'slow' },
): TestTrampoline {
  const names = Object.keys(registers) as TableRegister[];
  const values = { pc: captureTarget(), ...registers } as Record<'pc' | TableRegister, bigint>;
  // The first slot contains other data.
  const neighbour = { ...values, ...valuesFor(new Random(0), names) };
  if (stack === undefined) {
    const table = createTrampolineTable({ registers: names, ...options });
    table.add(neighbour);
    return { address: table.add(values), close: () => table.close() };
  }
  const { data, ...layout } = stack;
  const table = createTrampolineTable({ registers: names, stackData: layout, ...options });
  table.add({ ...neighbour, stackData: new Uint8Array(data.length) });
  return { address: table.add({ ...values, stackData: data }), close: () => table.close() };
}

/** The stack of the captured code. Below its initial stack pointer is space for a signal frame. */
const arena = new Uint8Array(2 ** 15);
const startAt = arena.length - 1024;

const { aliases, general } = processor;
const redZone = BigInt(processor.redZone);
const place = (name: string): number => general.indexOf(aliases.get(name) ?? name);

/** Initial state of the captured code; everything else is random. */
export interface Start {
  /** `sp % 16`; by default as at function entry. */
  readonly alignment?: number;
  readonly flags?: bigint;
  /** Whether signals are handled on an alternate stack; otherwise their frames overwrite memory below `sp`. */
  readonly signalStack?: boolean;
}

/** Invokes once and compares everything. */
export function check(
  random: Random,
  made: Invocable,
  { registers, stack }: Contexts,
  start: Start = {},
): void {
  const { alignment = processor.alignments[0]!, flags, signalStack = true } = start;
  const sp = ((addressOf(arena) + BigInt(startAt)) & -16n) + BigInt(alignment);
  const before = randomState(random, { sp, entry: made.address });
  if (flags !== undefined) before[word.flags] = flags;
  const expected = before.slice();
  for (const [name, value] of Object.entries(registers)) {
    expected[place(name)] = value;
  }
  arena.set(random.bytes(arena.length));
  const expectedArena = arena.slice();
  let isData = (_index: number): boolean => false;
  let lowest = before[word.sp]! - redZone;
  if (stack !== undefined) {
    const below = before[word.sp]! - BigInt(stack.offset + stack.size);
    const dataAt = stack.setSp ? (below & -16n) - BigInt(processor.belowAligned) : below;
    if (stack.setSp) expected[word.sp] = dataAt;
    const first = Number(dataAt - addressOf(arena));
    expectedArena.set(stack.data, first);
    isData = (index) => index >= first && index < first + stack.size;
    const inUse = stack.setSp ? dataAt - redZone : dataAt;
    if (inUse < lowest) lowest = inUse;
  }
  if (made.parks === true) {
    new DataView(expectedArena.buffer).setBigUint64(
      Number(lowest - 8n - addressOf(arena)),
      captureTarget(),
      true,
    );
  }

  const after = captureAt(before, signalStack);
  const set = Object.keys(registers).map((name) => aliases.get(name) ?? name);
  const lost = made.lost ?? processor.lost(set, stack !== undefined);
  for (const name of lost.filter((name) => !set.includes(name))) expected[place(name)] = after[place(name)]!;
  const seen = () => JSON.stringify({ registers: Object.keys(registers), ...stack, data: null, alignment });
  expected.forEach((value, index) => {
    assert.ok(
      after[index] === value,
      `${stateName(index)}: 0x${after[index]!.toString(16)}, not 0x${value.toString(16)}: ${seen()}`,
    );
  });
  const top = Number(before[word.sp]! - addressOf(arena));
  const end = Number(lowest - addressOf(arena));
  const isOurs = (index: number) =>
    made.spills === true && index < end ? false : signalStack || index >= top || isData(index);
  const wrong = arena.findIndex((byte, index) => byte !== expectedArena[index] && isOurs(index));
  assert.ok(
    wrong < 0,
    `the byte at sp ${wrong + Number(addressOf(arena) - before[word.sp]!)} is wrong: ${seen()}`,
  );
}

export function valuesFor(random: Random, names: readonly RegisterName[]): RegisterValues {
  return Object.fromEntries(names.map((name) => [name, random.word()]));
}

export function stackOf(random: Random, given: Partial<StackLayout> = {}): NonNullable<Contexts['stack']> {
  const {
    size = random.integer({ from: 1, to: limits.stackSize }),
    offset = random.pick([0, random.integer({ to: limits.stackOffset })]),
    setSp = random.flip(),
  } = given;
  return { size, offset, setSp, data: random.bytes(size) };
}

/** Creates a trampoline, invokes it once for each start, closes it. */
export function checkNew(
  random: Random,
  contexts: Contexts,
  kind = random.pick(kinds),
  starts: readonly Start[] = [{}],
): void {
  const made = makers[kind](contexts);
  for (const start of starts) check(random, made, contexts, start);
  made.close();
}

/** Returns the contexts of an object's body. */
export function objectContexts(
  { pc, assignments }: RegisterContext,
  stack: ObjectContexts['stack'],
): ObjectContexts {
  return { pc, assignments, stack };
}
