/** Gives the nested function of `nested.c` to `qsort`, without an executable stack. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { createTrampoline, type Trampoline } from 'trampfd';
import { show } from './show.js';

const source = fileURLToPath(new URL('../../../examples/demo/nested.c', import.meta.url));

export function sortWithNestedFunction(text: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-demo-'));
  try {
    const library = join(folder, 'nested.so');
    const { status, error } = spawnSync('gcc', ['-O2', '-shared', '-fPIC', '-o', library, source]);
    if (status !== 0) {
      const reason = error === undefined ? 'gcc cannot compile it' : 'there is no gcc';
      console.log(`  Left out: this part compiles a C program, and ${reason}.`);
      return;
    }
    try {
      koffi.load(library);
    } catch (error) {
      console.log(
        `  Left out: this system loads no library that was just compiled. ${(error as Error).message}`,
      );
      return;
    }
    run(library, text);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(library: string, text: string): void {
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
  trampoline?.free();
  console.log(`\n  sorted by the second letter: ${records.toString().match(/.{4}/g)?.join(' ')}`);
  console.log(`  counted by the nested function in its parent's variable: ${comparisons} comparisons`);
}
