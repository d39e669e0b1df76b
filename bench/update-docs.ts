/** Updates figures in documents that name their row, as in 2.1 µs [`slow.trampoline`]. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.js';
import type { Measured, Summary } from './summary.js';

const figure = /[\d.]+ (?:ns|µs|ms|bytes) \[`([\w.-]+)`\]/g;

/** Updates the figures of all documents, or of none if a row is missing. */
export function updateDocuments(summary: Summary): void {
  const documents = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name));
  const files = ['README.md', 'CONTRIBUTING.md', ...documents].map((path) => {
    const file = join(root, path);
    const text = readFileSync(file, 'utf8');
    return { file, text, updated: updateFigures(text, summary) };
  });
  for (const { file, text, updated } of files) if (updated !== text) writeFileSync(file, updated);
}

/**
 * Replaces figures by those of a run, except figures that could not be measured.
 * @throws RangeError if the run does not have a row
 */
export function updateFigures(text: string, { subjects }: Pick<Summary, 'subjects'>): string {
  const rows = new Map(subjects.flatMap(({ rows }) => rows.map((row) => [row.id, row])));
  return text.replaceAll(figure, (match, id: string) => {
    const row = rows.get(id);
    if (row === undefined) throw new RangeError(`There is no figure of ${id}`);
    return row.measured === undefined ? match : `${rounded(row.measured)} [\`${id}\`]`;
  });
}

/** Rounds to two digits: the others differ between runs. */
function rounded({ median, unit }: Measured): string {
  const digits = (value: number): string =>
    value < 99.5 ? value.toPrecision(2) : String(Number(value.toPrecision(2)));
  if (unit !== 'ns' || median < 1000) return `${digits(median)} ${unit}`;
  return median < 1e6 ? `${digits(median / 1000)} µs` : `${digits(median / 1e6)} ms`;
}
