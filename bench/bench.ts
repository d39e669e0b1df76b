/**
 * Measures what the targets of targets.ts are about, beside everybody else who does the same.
 *
 *     npm run bench [-- part of a subject's name…]
 *     npm run bench -- --draw
 *
 * A run of all subjects writes `bench/results.json`, and from that `docs/benchmarks.md` with its charts; `--draw`
 * does only the latter.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { provideTools } from '../scripts/tools.js';
import { call } from './call.js';
import { callback } from './callback.js';
import { closure } from './closure.js';
import { code } from './code.js';
import { refreshDocuments } from './figures.js';
import { invoke } from './invoke.js';
import { make } from './make.js';
import { many } from './many.js';
import { memory } from './memory.js';
import { compileNative, root } from './native.js';
import { writePage } from './page.js';
import { providePeers } from './peers.js';
import { printTable, printVerdicts, progress } from './report.js';
import { slow } from './slow.js';
import { start } from './start.js';
import { entry, type Summary, summarize, tables } from './summary.js';
import { supervised } from './supervised.js';
import { judge } from './targets.js';

const subjects = [invoke, slow, make, many, memory, closure, callback, call, supervised, start, code];
const results = join(root, 'bench/results.json');
const { values, positionals: parts } = parseArgs({
  options: { draw: { type: 'boolean' } },
  allowPositionals: true,
});
const wanted = subjects.filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)));
if (wanted.length === 0) throw new RangeError(`Subjects are ${subjects.map(({ name }) => name).join(', ')}`);

if (values.draw !== true) run();
if (values.draw === true || wanted.length === subjects.length) {
  const summary = JSON.parse(readFileSync(results, 'utf8')) as Summary;
  await writePage(summary);
  refreshDocuments(summary);
  console.log('docs/benchmarks.md shows the figures of bench/results.json.');
}

function run(): void {
  provideTools({ 'ffi.h': 'libffi-dev', 'callback.h': 'libffcall-dev' });
  compileNative();
  providePeers();
  const measured = wanted.map(({ name, title, measure }) => {
    const tell = progress(title);
    tell(0);
    const rows = measure(tell);
    for (const table of tables(title, rows.map(entry))) printTable(table);
    return { name, title, rows };
  });
  const summary = summarize(measured, judge(measured.flatMap(({ rows }) => rows)));
  printVerdicts(summary);
  if (wanted.length === subjects.length) writeFileSync(results, `${JSON.stringify(summary, undefined, 2)}\n`);
}
