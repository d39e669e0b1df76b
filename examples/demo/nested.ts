/** Passes the nested function of `nested.c` to `qsort`, without an executable stack. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { createTrampoline, type Trampoline } from 'trampfd';
import { show } from './show.js';

const source = fileURLToPath(new URL('../../../examples/demo/nested.c', import.meta.url));
const library = fileURLToPath(new URL('nested.so', import.meta.url));

/** Compiles the C part, if there is a compiler. */
export function compileNested(): void {
  if (!existsSync(library)) spawnSync('gcc', ['-O2', '-shared', '-fPIC', '-o', library, source]);
}

export function sortWithNestedFunction(text: string): void {
  compileNested();
  if (!existsSync(library)) {
    console.log('  Skipped: this part is written in C, and gcc did not compile it.');
    return;
  }
  try {
    koffi.load(library);
  } catch (error) {
    console.log(`  Skipped: this system does not load new libraries. ${(error as Error).message}`);
    return;
  }
  run(text);
}

function run(text: string): void {
  const bind = koffi.proto('uintptr_t bind(uintptr_t body, uintptr_t chain)');
  const sort = koffi
    .load(library)
    .func('sort_by_column', 'long', ['void *', 'size_t', 'size_t', 'size_t', koffi.pointer(bind)]);

  const words = text
    .split('\n')
    .filter((word) => word.length >= 4)
    .slice(0, 8);
  const records = Buffer.from(words.map((word) => word.slice(0, 4)).join(''));
  let trampoline: Trampoline | undefined;
  const comparisons = sort(records, words.length, 4, 1, (body: number, chain: number) => {
    trampoline = createTrampoline({ name: 'nested', registers: { pc: BigInt(body), chain: BigInt(chain) } });
    show('compare(…, …) with its chain', trampoline);
    return trampoline.address;
  });
  trampoline?.close();
  console.log(`\n  sorted by the second letter: ${records.toString().match(/.{4}/g)?.join(' ')}`);
  console.log(`  counted by the nested function in its parent's variable: ${comparisons} comparisons`);
}
