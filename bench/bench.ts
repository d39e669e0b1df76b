/**
 * Measures what the targets of targets.ts are about, beside everybody else who does the same.
 *
 *     npm run bench [-- part of a subject's name…]
 *     npm run bench -- --draw
 *
 * A run of all subjects writes `bench/results.json`, and from that `docs/benchmarks.md` with its charts; `--draw`
 * does only the latter. `--rows FILE` is how one subject is measured in its own process.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { provideTools } from '../scripts/tools.js';
import { call } from './call.js';
import { callback } from './callback.js';
import { closure } from './closure.js';
import { code } from './code.js';
import { refreshDocuments } from './figures.js';
import type { Row } from './harness.js';
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
  options: { draw: { type: 'boolean' }, rows: { type: 'string' } },
  allowPositionals: true,
});
const wanted = subjects.filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)));
if (wanted.length === 0) throw new RangeError(`Subjects are ${subjects.map(({ name }) => name).join(', ')}`);

if (values.rows !== undefined) measureHere(parts[0]!, values.rows);
else if (values.draw === true || run()) {
  const summary = readJson(results) as Summary;
  await writePage(summary);
  refreshDocuments(summary);
  console.log('docs/benchmarks.md shows the figures of bench/results.json.');
}

/** Returns whether it measured all. */
function run(): boolean {
  provideTools({ 'ffi.h': 'libffi-dev', 'callback.h': 'libffcall-dev' });
  compileNative();
  providePeers();
  const measured = wanted.flatMap(({ name, title }) => {
    const rows = measureElsewhere(name);
    if (rows === undefined) return [];
    for (const table of tables(title, rows.map(entry))) printTable(table);
    return [{ name, title, rows }];
  });
  const summary = summarize(measured, judge(measured.flatMap(({ rows }) => rows)));
  printVerdicts(summary);
  if (measured.length < subjects.length) return false;
  writeFileSync(results, `${JSON.stringify(summary, undefined, 2)}\n`);
  return true;
}

/**
 * In a process of its own: what one subject leaves behind would meet the next, and slow down every process it starts.
 * One that fails says why, and leaves the others alone.
 */
function measureElsewhere(name: string): Row[] | undefined {
  const file = join(root, 'build/bench/rows.json');
  const args = [...process.execArgv, fileURLToPath(import.meta.url), '--rows', file, name];
  const { status, signal } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status === 0) return readJson(file) as Row[];
  console.error(`\nMeasuring ${name} ended with ${signal ?? `status ${status}`}. It has no rows.`);
  process.exitCode = 1;
  return undefined;
}

function measureHere(name: string, file: string): void {
  const { title, measure } = subjects.find((subject) => subject.name === name)!;
  const tell = progress(title);
  tell(0);
  writeFileSync(file, JSON.stringify(measure(tell)));
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`Could not read ${file}: ${(error as Error).message}`);
  }
}
