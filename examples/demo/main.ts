/**
 * What trampfd does, with the C library as the caller.
 *
 *     npm start                 sorts the words that come with the demo
 *     npm start -- some-file    sorts the lines of a file
 *
 * `start.ts` runs this on a closed system; it can be run on its own, too.
 */
import { readFileSync } from 'node:fs';
import { symbolAddress, TrampfdError } from 'trampfd';
import { heading } from './show.js';

const file = process.argv[2] ?? new URL('../../../examples/demo/words.txt', import.meta.url);

try {
  symbolAddress('qsort'); // throws where trampfd cannot work, before anything native is loaded
  const { sortLines } = await import('./sort.js');
  const { sayGoodbye } = await import('./goodbye.js');
  const { sortWithNestedFunction } = await import('./nested.js');
  const { attack } = await import('./attack.js');
  const { listMethods } = await import('./methods.js');
  const text = readFileSync(file, 'utf8');
  heading('ways to make code that this system leaves');
  await listMethods();
  heading('qsort with memcmp, which takes one argument more');
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
