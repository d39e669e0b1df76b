/** Runs test files in processes of their own, and prints a summary. */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { machines } from '#src/machine/index.js';
import { acceptable } from '../test/support/needs.js';
import { type CountsByFile, noCounts, recordCounts, sumCounts } from './test-counts.js';

const tests = fileURLToPath(new URL('../test', import.meta.url));

/** Files that take longest. They start first, so that none of them runs alone at the end. */
export const slowFiles = [
  'package/',
  'machine/object-code.test.js',
  'supervisor/',
  'machine/calls.test.js',
  'doctor/',
  'linux/restrictions.test.js',
  'system/',
];

/** More than two, since many tests wait; not more, since some of them change the state of the whole system. */
const concurrency = 3;
const timeoutMs = 600_000;

/** Returns the test files that run on this architecture, as paths below `test/`. */
export function testFiles(isSelected: (file: string) => boolean): string[] {
  const otherArchitectures = Object.keys(machines).filter((name) => name !== process.arch);
  const rank = (file: string): number => {
    const index = slowFiles.findIndex((part) => file.startsWith(part));
    return index < 0 ? slowFiles.length : index;
  };
  return readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.js') && isSelected(file))
    .filter((file) => !otherArchitectures.some((name) => file.split('/').includes(name)))
    .toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/**
 * Runs files. Sets the exit code to 1 if a test fails, if there are no files, or if `TRAMPFD_NO_SKIP` is set and a test
 * is skipped for another reason than the architecture.
 * @param record whether to store the counts for `compareCounts`
 */
export async function runTests(files: readonly string[], record: boolean): Promise<void> {
  const counts: CountsByFile = Object.fromEntries(files.map((file) => [file, noCounts()]));
  const skipped: { name: string; reason: string }[] = [];
  const count = (file: string | undefined, outcome: 'passed' | 'failed' | 'skipped'): void => {
    const path = relative(tests, file ?? tests);
    counts[path] ??= noCounts();
    counts[path][outcome]++;
  };
  const stream = run({ files: files.map((file) => join(tests, file)), concurrency, timeout: timeoutMs });
  stream.on('test:fail', ({ details, file }) => {
    if (!isSuite(details)) count(file, 'failed');
    process.exitCode = 1;
  });
  stream.on('test:pass', ({ name, skip, details, file }) => {
    // A skipped suite reports none of its tests.
    if (skip !== undefined) {
      count(file, 'skipped');
      skipped.push({ name, reason: typeof skip === 'string' ? skip : 'no reason' });
    } else if (!isSuite(details)) {
      count(file, 'passed');
    }
  });
  const report = stream.compose(new spec());
  report.pipe(process.stdout);
  await new Promise((resolve) => report.on('end', resolve));

  for (const { name, reason } of skipped) console.log(`skipped: ${name}: ${reason}`);
  const mustNotSkip = (process.env['TRAMPFD_NO_SKIP'] ?? '') !== '';
  if (mustNotSkip && skipped.some(({ reason }) => !acceptable.test(reason))) process.exitCode = 1;
  if (files.length === 0) process.exitCode = 1;
  const { passed, failed, skipped: skips } = sumCounts(Object.values(counts));
  console.log(`${passed} passed, ${failed} failed, ${skips} skipped`);
  if (record) recordCounts(process.arch, counts);
}

/** Files and `describe` blocks are reported like tests. */
function isSuite(details: object): boolean {
  return (details as { type?: string }).type === 'suite';
}
