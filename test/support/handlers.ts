/** C functions for tests of handlers, from `test/programs/handler.c`. */

import { registerContext, symbolAddress, viewMemory } from 'trampfd';
import { type State, word } from './capture.js';
import { compileLibrary } from './compile.js';
import koffi from './koffi.js';
import { processor } from './processor.js';

/** A register block as words, in the order of C's structure. */
export type Saved = BigUint64Array<ArrayBuffer>;

const { general, savedBehind, vectorName, enteredBy } = processor;
const behind = (name: (typeof savedBehind)[number]): number => general.length + savedBehind.indexOf(name);

/** Vector registers in a block. */
const vectors = 8;

/** Indexes of the words of a block after the general registers. */
export const savedWord = {
  flags: behind('flags'),
  pc: behind('pc'),
  sp: behind('sp'),
  vectors: general.length + savedBehind.length,
  count: general.length + savedBehind.length + 2 * vectors,
} as const;

/** The name of each word of a block. */
export const savedNames: readonly string[] = [
  ...general,
  ...savedBehind,
  ...Array.from(
    { length: 2 * vectors },
    (_, index) => `${vectorName}${index >> 1}, ${index & 1 ? 'upper' : 'lower'} half`,
  ),
];

export function openHandlers() {
  const path = compileLibrary('handler', ['handler.c']);
  const library = koffi.load(path);
  const memory = viewMemory(symbolAddress('script', path), 2 * registerContext.size + 32);
  const words = new BigUint64Array(memory.buffer, memory.byteOffset, memory.length / 8);
  return {
    address: (name: string): bigint => symbolAddress(name, path),
    func: (prototype: string) => library.func(prototype) as (...args: unknown[]) => number,
    /** The block that the handler `follow_script` leaves, and the block that it received. */
    left: words.subarray(0, savedWord.count) as Saved,
    seen: words.subarray(savedWord.count, 2 * savedWord.count) as Saved,
    /** Address of the block, of the trampoline, the stack pointer and the flags that the handler was called with. */
    called: words.subarray(2 * savedWord.count) as Saved,
  };
}

/** Returns the register block of a state. */
export function savedOf(state: State): Saved {
  const saved: Saved = new BigUint64Array(savedWord.count);
  saved.set(state.subarray(0, general.length));
  saved[savedWord.flags] = state[word.flags]!;
  saved[savedWord.sp] = state[word.sp]!;
  saved.set(state.subarray(word.vectors, word.vectors + 2 * vectors), savedWord.vectors);
  return saved;
}

/** Returns a state with the registers of a block, at its PC; the jump may clobber a register. */
export function withSaved(state: State, saved: Saved, pc: bigint): State {
  const result = state.slice();
  result.set(saved.subarray(0, general.length));
  if (enteredBy !== undefined) result[general.indexOf(enteredBy)] = pc;
  result[word.flags] = saved[savedWord.flags]!;
  result[word.sp] = saved[savedWord.sp]!;
  result.set(saved.subarray(savedWord.vectors), word.vectors);
  return result;
}
