/**
 * Sorts records of a fixed length with the C library's `qsort`, which passes two pointers to its comparator. `memcmp` needs
 * a length as well: a trampoline that adds the length is the comparator.
 */
import koffi from 'koffi';
import { createTrampoline, symbolAddress } from 'trampfd';
import { show } from './show.js';

const qsort = koffi.load(null).func('void qsort(void *base, size_t count, size_t size, uintptr_t compare)');

export function sortLines(text: string): void {
  const lines = text.split('\n').filter((line) => line !== '');
  const length = Math.max(...lines.map((line) => Buffer.byteLength(line)));
  const records = Buffer.alloc(length * lines.length);
  for (const [index, line] of lines.entries()) records.write(line, index * length);

  const comparator = createTrampoline({
    name: `memcmp of ${length} bytes`,
    registers: { pc: symbolAddress('memcmp'), arg2: BigInt(length) },
  });
  show(`memcmp(…, …, ${length})`, comparator);
  qsort(records, lines.length, length, comparator.address);
  comparator.close();

  const sorted = lines.map((_, index) =>
    records.toString('utf8', index * length, (index + 1) * length).replace(/\0+$/, ''),
  );
  const expected = lines.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  if (sorted.some((line, index) => line !== expected[index]))
    throw new Error('qsort and JavaScript disagree');
  const most = 4;
  const tail = sorted.length > 2 * most ? [' …', ...sorted.slice(-most)] : sorted.slice(most);
  console.log(`\n  ${lines.length} records of ${length} bytes, sorted by qsort:`);
  console.log(`  ${[...sorted.slice(0, most), ...tail].join(' ')}`);
}
