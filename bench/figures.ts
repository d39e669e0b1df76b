/** Figures in documents that name the row they are of, as in 2.1 µs [`slow.trampoline`]: the benchmark writes them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './native.js';
import type { Measured, Summary } from './summary.js';

const figure = /[\d.]+ (?:ns|µs|ms|bytes) \[`([\w.-]+)`\]/g;

/** Brings the figures of all documents up to date. */
export function refreshDocuments(summary: Summary): void {
  const documents = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name));
  for (const path of ['README.md', 'CONTRIBUTING.md', ...documents]) {
    const file = join(root, path);
    const text = readFileSync(file, 'utf8');
    const fresh = refreshed(text, summary);
    if (fresh !== text) writeFileSync(file, fresh);
  }
}

/** A text with the figures of a run. @throws RangeError for a row that the run does not have */
export function refreshed(text: string, { subjects }: Pick<Summary, 'subjects'>): string {
  const rows = new Map(subjects.flatMap(({ rows }) => rows.map(({ id, measured }) => [id, measured])));
  return text.replaceAll(figure, (_, id: string) => {
    const measured = rows.get(id);
    if (measured === undefined) throw new RangeError(`There is no figure of ${id}`);
    return `${rounded(measured)} [\`${id}\`]`;
  });
}

/** In two digits: more would be another run's in any case. */
function rounded({ median, unit }: Measured): string {
  const digits = (value: number): string =>
    value < 99.5 ? value.toPrecision(2) : String(Number(value.toPrecision(2)));
  if (unit !== 'ns' || median < 1000) return `${digits(median)} ${unit}`;
  return median < 1e6 ? `${digits(median / 1000)} µs` : `${digits(median / 1e6)} ms`;
}
