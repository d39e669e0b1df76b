/**
 * Measures what the targets of targets.ts are about.
 *
 *     npm run bench [-- part of a subject's name…]
 *
 * A run of all subjects writes `bench/results.json`.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { provideTools } from '../scripts/tools.js';
import { closure } from './closure.js';
import { invoke } from './invoke.js';
import { make } from './make.js';
import { memory } from './memory.js';
import { compileNative } from './native.js';
import { printRows, printVerdicts, progress, summary } from './report.js';
import { slow } from './slow.js';
import { supervised } from './supervised.js';
import { judge } from './targets.js';

const subjects = [invoke, slow, make, memory, closure, supervised];
const parts = process.argv.slice(2);
const wanted = subjects.filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)));
if (wanted.length === 0) throw new RangeError(`Subjects are ${subjects.map(({ name }) => name).join(', ')}`);

provideTools({ 'ffi.h': 'libffi-dev' });
compileNative();
const rows = wanted.flatMap(({ title, measure }) => {
  const tell = progress(title);
  tell(0);
  const measured = measure(tell);
  printRows(title, measured);
  return measured;
});
const verdicts = judge(rows);
printVerdicts(verdicts);

if (wanted.length === subjects.length) {
  const path = fileURLToPath(new URL('../../bench/results.json', import.meta.url));
  writeFileSync(path, `${JSON.stringify(summary(rows, verdicts), undefined, 2)}\n`);
  console.log('\nThe figures are in bench/results.json.');
}
