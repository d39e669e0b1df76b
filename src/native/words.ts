/** Words of 64 bits at regular distances, written by functions of the native module: a loop would run uncompiled first. */
import { lazy } from '../core/lazy.js';
import type { ModuleFunction } from '../machine/module-layout.js';
import { bindCFunction, type CFunction } from './c-function.js';
import { dlopen, dlsym } from './dl.js';
import { addressOfBytes } from './memory-view.js';
import { modulePath } from './module.js';

/** Every `step`th word of an array from an index on; the same word each time if `step` is 0. */
export interface WordSequence {
  readonly words: BigUint64Array;
  readonly start: number;
  readonly step: number;
}

const functions = lazy(() => {
  const handle = dlopen(modulePath(process.arch));
  const bind = (name: ModuleFunction, args: string): CFunction =>
    bindCFunction(`void ${name}(${args})`, dlsym(name, handle)!);
  return {
    copy: bind('trampfd_copy_words', 'uintptr_t, size_t, uintptr_t, size_t, size_t'),
    fill: bind('trampfd_fill_words', 'uintptr_t, size_t, uintptr_t, size_t, size_t'),
  };
});

/** Copies `count` words. @throws RangeError if the sequences are shorter */
export function copyWords(target: WordSequence, source: WordSequence, count: number): void {
  if (count === 0) return;
  functions().copy(...place(target, count), ...place(source, count), count);
}

/** Writes `count` words: the first one, and then each greater by the increment. @throws RangeError if there are fewer */
export function fillWords(target: WordSequence, first: bigint, increment: number, count: number): void {
  if (count === 0) return;
  functions().fill(...place(target, count), first, increment, count);
}

/** Returns the address of the first word, and the bytes from one to the next. */
function place({ words, start, step }: WordSequence, count: number): [bigint, number] {
  const end = start + (count - 1) * step;
  if (count < 0 || start < 0 || step < 0 || end >= words.length)
    throw new RangeError(`the words ${start} to ${end} are outside an array of ${words.length}`);
  return [addressOfBytes(words) + BigInt(8 * start), 8 * step];
}
