/**
 * Measures everything that targets.ts has targets for, and rivals in the same run.
 *
 *     npm run bench [-- part of a subject's name…]
 *     npm run bench -- --draw
 *
 * A run of all subjects writes `bench/results.json`, `docs/benchmarks.md` with its charts, and the figures in other
 * documents; `--draw` writes the documents from existing results. `--rows FILE` measures one subject in this process.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureTools } from '../scripts/ensure-tools.js';
import { call } from './call.js';
import { callback } from './callback.js';
import { callbackTypes } from './callback-types.js';
import { code } from './code.js';
import type { Row } from './harness.js';
import { invoke } from './invoke.js';
import { make } from './make.js';
import { many } from './many.js';
import { memory } from './memory.js';
import { compileNative } from './native.js';
import { writePage } from './page.js';
import { root } from './paths.js';
import { installPeers } from './peers.js';
import { printTable, printTargets, progressLine } from './report.js';
import { slow } from './slow.js';
import { start } from './start.js';
import { entry, type Summary, summarize, tables } from './summary.js';
import { supervised } from './supervised.js';
import { evaluateTargets } from './targets.js';
import { updateDocuments } from './update-docs.js';

const subjects = [invoke, slow, make, many, memory, callback, callbackTypes, call, supervised, start, code];
const results = join(root, 'bench/results.json');
const { values, positionals: parts } = parseArgs({
  options: { draw: { type: 'boolean' }, rows: { type: 'string' } },
  allowPositionals: true,
});
const selected = subjects.filter(
  ({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)),
);
if (selected.length === 0)
  throw new RangeError(`Subjects are ${subjects.map(({ name }) => name).join(', ')}`);

if (values.rows !== undefined) measureHere(parts[0]!, values.rows);
else if (values.draw === true || measureSelected()) {
  const summary = readJson(results) as Summary;
  await writePage(summary);
  updateDocuments(summary);
  console.log('docs/benchmarks.md shows the figures of bench/results.json.');
}

/** Returns whether all subjects were measured. */
function measureSelected(): boolean {
  ensureTools({ 'ffi.h': 'libffi-dev', 'callback.h': 'libffcall-dev' });
  compileNative();
  installPeers();
  const measured = selected.flatMap(({ name, title }) => {
    const rows = measureInProcess(name);
    if (rows === undefined) return [];
    for (const table of tables(title, rows.map(entry))) printTable(table);
    return [{ name, title, rows }];
  });
  const summary = summarize(measured, evaluateTargets(measured.flatMap(({ rows }) => rows)));
  printTargets(summary);
  if (measured.length < subjects.length) return false;
  writeFileSync(results, `${JSON.stringify(summary, undefined, 2)}\n`);
  return true;
}

/**
 * Measures a subject in a process of its own: its memory would affect other subjects and slow down every process that
 * they start. A failure is reported, and the other subjects are measured.
 */
function measureInProcess(name: string): Row[] | undefined {
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
  const onProgress = progressLine(title);
  onProgress(0);
  writeFileSync(file, JSON.stringify(measure(onProgress)));
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`Cannot read ${file}: ${(error as Error).message}`);
  }
}
