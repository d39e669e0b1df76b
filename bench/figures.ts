/** Figures in documents that name the row they are of, as in 2.1 µs [`slow.trampoline`]: the benchmark writes them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './native.js';
import type { Measured, Summary } from './summary.js';

const figure = /[\d.]+ (?:ns|µs|ms|bytes) \[`([\w.-]+)`\]/g;

/** Brings the figures of all documents up to date, or none. */
export function refreshDocuments(summary: Summary): void {
  const documents = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name));
  const files = ['README.md', 'CONTRIBUTING.md', ...documents].map((path) => {
    const file = join(root, path);
    const text = readFileSync(file, 'utf8');
    return { file, text, fresh: refreshed(text, summary) };
  });
  for (const { file, text, fresh } of files) if (fresh !== text) writeFileSync(file, fresh);
}

/**
 * A text with the figures of a run. One that could not be measured stays.
 * @throws RangeError for a row that the run does not have
 */
export function refreshed(text: string, { subjects }: Pick<Summary, 'subjects'>): string {
  const rows = new Map(subjects.flatMap(({ rows }) => rows.map((row) => [row.id, row])));
  return text.replaceAll(figure, (standing, id: string) => {
    const row = rows.get(id);
    if (row === undefined) throw new RangeError(`There is no figure of ${id}`);
    return row.measured === undefined ? standing : `${rounded(row.measured)} [\`${id}\`]`;
  });
}

/** In two digits: more would be another run's in any case. */
function rounded({ median, unit }: Measured): string {
  const digits = (value: number): string =>
    value < 99.5 ? value.toPrecision(2) : String(Number(value.toPrecision(2)));
  if (unit !== 'ns' || median < 1000) return `${digits(median)} ${unit}`;
  return median < 1e6 ? `${digits(median / 1000)} µs` : `${digits(median / 1e6)} ms`;
}
