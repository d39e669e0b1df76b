/** How many tests of each file passed, failed and were skipped, kept from run to run: one file an architecture. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** By the test file's path below `test/`. */
export type CountsByFile = Record<string, Counts>;

const folder = fileURLToPath(new URL('../counts', import.meta.url));
const place = (architecture: string): string => join(folder, `${architecture}.json`);

export function noCounts(): Counts {
  return { passed: 0, failed: 0, skipped: 0 };
}

/** The last runs of the files on an architecture. */
export function recordedCounts(architecture: string): CountsByFile {
  try {
    return JSON.parse(readFileSync(place(architecture), 'utf8')) as CountsByFile;
  } catch {
    return {}; // nothing has run yet
  }
}

/** Keeps the counts of the files that have run now; others stay as they were. */
export function recordCounts(architecture: string, now: CountsByFile): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(place(architecture), JSON.stringify({ ...recordedCounts(architecture), ...now }));
}

/** A table of the files that are meant, by folder, with architectures side by side. */
export function compareCounts(architectures: readonly string[], isMeant: (file: string) => boolean): string {
  const recorded = architectures.map(recordedCounts);
  const files = [...new Set(recorded.flatMap(Object.keys))].filter(isMeant);
  const rooms = new Set(files.map((file) => file.split('/')[0]!));
  const row = (title: string, belongs: (file: string) => boolean) => {
    const cells = recorded.map((counts) => {
      // Some files are about one architecture, and run on no other.
      const found = files.filter(belongs).flatMap((file) => counts[file] ?? []);
      if (found.length === 0) return ['', 'not run', ''];
      return (['passed', 'failed', 'skipped'] as const).map((key) =>
        String(found.reduce((sum, each) => sum + each[key], 0)),
      );
    });
    return line(title, cells);
  };
  return [
    line(
      '',
      architectures.map((name) => ['', name, '']),
    ),
    line(
      '',
      architectures.map(() => ['passed', 'failed', 'skipped']),
    ),
    ...[...rooms].toSorted().map((room) => row(room, (file) => file.startsWith(`${room}/`))),
    row('all', () => true),
  ].join('\n');
}

function line(title: string, cells: readonly (readonly string[])[]): string {
  return [title.padEnd(12), ...cells.map((three) => three.map((cell) => cell.padStart(8)).join(''))].join(
    '  ',
  );
}
