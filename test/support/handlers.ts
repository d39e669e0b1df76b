/** The C side of tests of handlers: `test/programs/handler.c`. */
import koffi from 'koffi';
import { savedRegisters, symbolAddress, viewMemory } from 'trampfd';
import { type State, word } from './capture.js';
import { compileLibrary } from './compile.js';
import { processor } from './processor.js';

/** A block of registers as words, in the order of C's structure. */
export type Saved = BigUint64Array<ArrayBuffer>;

const { general } = processor;
const savedWords = 272 / 8;

/** Words of a block behind the general registers. */
export const savedWord = { flags: 15, pc: 16, sp: 17, xmm: 18, count: savedWords } as const;

/** What every word of a block is called. */
export const savedNames: readonly string[] = [
  ...general,
  ...['flags', 'pc', 'sp'],
  ...Array.from({ length: 16 }, (_, index) => `xmm${index >> 1}, ${index & 1 ? 'upper' : 'lower'} half`),
];

export function openHandlers() {
  const path = compileLibrary('handler', ['handler.c']);
  const library = koffi.load(path);
  const memory = viewMemory(symbolAddress('script', path), 2 * savedRegisters.size + 32);
  const words = new BigUint64Array(memory.buffer, memory.byteOffset, memory.length / 8);
  return {
    address: (name: string): bigint => symbolAddress(name, path),
    func: (prototype: string) => library.func(prototype) as (...args: unknown[]) => number,
    /** What the handler `follow_script` leaves, and what it saw. */
    left: words.subarray(0, savedWords) as Saved,
    seen: words.subarray(savedWords, 2 * savedWords) as Saved,
    /** Address of the block, of the trampoline, the stack pointer and the flags that the handler was called with. */
    called: words.subarray(2 * savedWords) as Saved,
  };
}

/** The registers of a state as a block has them. */
export function savedOf(state: State): Saved {
  const saved: Saved = new BigUint64Array(savedWords);
  saved.set(state.subarray(0, general.length));
  saved[savedWord.flags] = state[word.flags]!;
  saved[savedWord.sp] = state[word.sp]!;
  saved.set(state.subarray(word.vectors, word.vectors + 16), savedWord.xmm);
  return saved;
}

/** A state with the registers of a block. */
export function withSaved(state: State, saved: Saved): State {
  const result = state.slice();
  result.set(saved.subarray(0, general.length));
  result[word.flags] = saved[savedWord.flags]!;
  result[word.sp] = saved[savedWord.sp]!;
  result.set(saved.subarray(savedWord.xmm), word.vectors);
  return result;
}
