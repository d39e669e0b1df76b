/**
 * Demonstrates trampolines that the C library calls.
 *
 *     npm start                 sorts the words that come with the demo
 *     npm start -- some-file    sorts the lines of a file
 *
 * `start.ts` runs this under restrictions; it also runs without them.
 */
import { readFileSync } from 'node:fs';
import { symbolAddress, TrampfdError } from 'trampfd';
import { heading } from './show.js';

const file = process.argv[2] ?? new URL('../../../examples/demo/words.txt', import.meta.url);

try {
  symbolAddress('qsort'); // throws if trampfd cannot work, before other native code is loaded
  const { sortLines } = await import('./sort.js');
  const { sayGoodbye } = await import('./goodbye.js');
  const { sortWithNestedFunction } = await import('./nested.js');
  const { attack } = await import('./attack.js');
  const { listMethods } = await import('./methods.js');
  const text = readFileSync(file, 'utf8');
  heading('code page methods that this system permits');
  await listMethods();
  heading('qsort with memcmp, which has one more argument');
  sortLines(text);
  heading('atexit with puts and its text');
  sayGoodbye('Goodbye from a trampoline.');
  heading('qsort with a nested function, through its static chain');
  sortWithNestedFunction(text);
  heading('attacks on the code page');
  attack();
} catch (error) {
  const expected = error instanceof TrampfdError || (error as NodeJS.ErrnoException).syscall !== undefined;
  if (!expected) throw error;
  console.error((error as Error).message);
  process.exitCode = 1;
}
