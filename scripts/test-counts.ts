/** Numbers of passed, failed and skipped tests of each file, stored between runs: one JSON file per architecture. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { markdownTable } from 'markdown-table';

const outcomes = ['passed', 'failed', 'skipped'] as const;
export type Counts = Record<(typeof outcomes)[number], number>;

/** By the test file's path below `test/`. */
export type CountsByFile = Record<string, Counts>;

const folder = fileURLToPath(new URL('../counts', import.meta.url));
const pathOf = (architecture: string): string => join(folder, `${architecture}.json`);

export function noCounts(): Counts {
  return { passed: 0, failed: 0, skipped: 0 };
}

export function sumCounts(counts: readonly Counts[]): Counts {
  const sum = noCounts();
  for (const each of counts) for (const outcome of outcomes) sum[outcome] += each[outcome];
  return sum;
}

/** Returns the counts of the last run of each file. */
function recordedCounts(architecture: string): CountsByFile {
  try {
    return JSON.parse(readFileSync(pathOf(architecture), 'utf8')) as CountsByFile;
  } catch {
    return {}; // no run was recorded
  }
}

/** Stores the counts of the files that have run. Those of other files are retained. */
export function recordCounts(architecture: string, counts: CountsByFile): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(pathOf(architecture), JSON.stringify({ ...recordedCounts(architecture), ...counts }));
}

/** Returns a table of the selected files by folder, with a group of columns per architecture. */
export function compareCounts(
  architectures: readonly string[],
  isSelected: (file: string) => boolean,
): string {
  const recorded = architectures.map(recordedCounts);
  const files = [...new Set(recorded.flatMap(Object.keys))].filter(isSelected);
  const folders = [...new Set(files.map((file) => file.split('/')[0]!))].toSorted();
  const row = (title: string, prefix: string): string[] => {
    const cells = recorded.flatMap((counts) => {
      // Files about one architecture run on no other.
      const found = files.filter((file) => file.startsWith(prefix)).flatMap((file) => counts[file] ?? []);
      const sum = sumCounts(found);
      return outcomes.map((outcome) => (found.length === 0 ? 'not run' : String(sum[outcome])));
    });
    return [title, ...cells];
  };
  const head = architectures.flatMap((name) => outcomes.map((outcome) => `${name} ${outcome}`));
  const rows = [...folders.map((name) => row(name, `${name}/`)), row('all', '')];
  return markdownTable([['', ...head], ...rows], { align: ['', ...head.map(() => 'r')] });
}
