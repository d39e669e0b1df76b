/**
 * Invokes a trampoline with a given state of the processor and returns the state at its target, by
 * `test/programs/capture.S`. A state is a list of words, in the order of `struct state` there.
 */

import { addressOf, symbolAddress } from 'trampfd';
import { compileLibrary } from './compile.js';
import koffi from './koffi.js';
import { processor } from './processor.js';
import type { Random } from './random.js';

export type State = BigUint64Array<ArrayBuffer>;

const { general, flagBits, constantFlags, enteredBy } = processor;

/** Indexes of the words after the general registers. */
export const word = {
  sp: general.length,
  entry: general.length + 1,
  flags: general.length + 2,
  control: general.length + 3,
  vectors: general.length + 4,
  count: general.length + 4 + 2 * processor.vectors,
} as const;

export const stateName = (index: number): string => general[index] ?? `word ${index} of the state`;

const programFlags = flagBits.reduce((all, bit) => all | bit);

/** Returns every combination of the flags. */
export function allFlags(): bigint[] {
  return Array.from({ length: 2 ** flagBits.length }, (_, chosen) =>
    flagBits.reduce((flags, bit, index) => ((chosen >> index) & 1 ? flags | bit : flags), constantFlags),
  );
}

/** Returns a random state for a jump to `entry`. */
export function randomState(random: Random, { sp, entry }: { sp: bigint; entry: bigint }): State {
  const state = BigUint64Array.from({ length: word.count }, () => random.word());
  if (enteredBy !== undefined) state[general.indexOf(enteredBy)] = entry;
  state[word.entry] = entry;
  state[word.sp] = sp;
  state[word.flags] = (random.word() & programFlags) | constantFlags;
  const { low, high } = processor.randomControl(random);
  state[word.control] = (high << 32n) | low;
  return state;
}

type Capture = (before: bigint, after: bigint, signalStack: boolean) => void;

let capture: { readonly call: Capture; readonly target: bigint } | undefined;

function open(): { readonly call: Capture; readonly target: bigint } {
  if (capture === undefined) {
    const library = compileLibrary('capture', ['capture.c', 'capture.S']);
    const call = koffi.load(library).func('void capture(uintptr_t, uintptr_t, bool)') as unknown as Capture;
    capture = { call, target: symbolAddress('capture_target', library) };
  }
  return capture;
}

/** Returns the PC of trampolines whose state is captured. */
export function captureTarget(): bigint {
  return open().target;
}

/** Native code uses their addresses, so they must not be collected. */
const entered: State = new BigUint64Array(word.count);
const arrived: State = new BigUint64Array(word.count);

/**
 * Jumps to a trampoline with a state; returns the state at the target.
 * @param signalStack whether signals are handled on an alternate stack
 */
export function captureAt(before: State, signalStack: boolean): State {
  entered.set(before);
  open().call(addressOf(entered), addressOf(arrived), signalStack);
  const after = arrived.slice();
  after[word.entry] = before[word.entry]!;
  after[word.flags] = (after[word.flags]! & programFlags) | constantFlags;
  return after;
}
