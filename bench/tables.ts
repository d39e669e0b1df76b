/** Markdown tables of results: for the page in one form, and aligned for the terminal. */
import { markdownTable } from 'markdown-table';
import type { TargetResult } from './harness.js';
import { type Entry, grouped, isAhead, type Measured, ratio, type Table } from './summary.js';

/** `terminal` aligns columns, and leaves out formatting and the quartiles of grids. */
export type Style = 'page' | 'terminal';

const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });

/** Formats a value: two decimals below 100, no more than four digits of numbers without a unit. */
export function format(value: number, unit: string): string {
  if (unit === '') return number.format(value);
  return Math.abs(value) < 100 ? value.toFixed(2) : number.format(Math.round(value));
}

/** A row per entry, or per title if the entries have counts. */
export function resultTable(table: Table, style: Style): string {
  return table.counts.length > 1 ? grid(table, style) : list(table, style);
}

export function targetTable(targets: readonly TargetResult[], style: Style): string {
  const rows = targets.map(({ text, max, unit, reached, met }) => {
    const limit = `${max.toLocaleString('en')} ${unit}`;
    if (reached === null) return [text, limit, '–', 'not measured'];
    const margin = format(Math.abs(max - reached), unit);
    return [text, limit, format(reached, unit), `${met ? 'met' : strong('missed', style)} by ${margin}`];
  });
  return markdown(['target', 'at most', 'reached', ''], rows, style);
}

function list(table: Table, style: Style): string {
  const hasInstructions = table.entries.some(({ measured }) => measured?.instructions !== undefined);
  const optional = (cell: string): string[] => (hasInstructions ? [cell] : []);
  const head = ['', 'median', 'quartiles', 'ratio', ...optional('instructions'), ''];
  const rows = table.entries.map((entry) => {
    const { title, measured, missing } = entry;
    if (measured === undefined) return [title, '–', '', '', ...optional(''), missing!];
    const { unit, median, instructions } = measured;
    return [
      title,
      `${format(median, unit)} ${unit}`,
      quartiles(measured),
      ratioText(table, entry),
      ...optional(instructions === undefined ? '' : String(instructions)),
      isAhead(table, entry) ? strong('ahead', style) : '',
    ];
  });
  return markdown(head, rows, style);
}

function grid(table: Table, style: Style): string {
  const unit = table.entries.find(({ measured }) => measured !== undefined)?.measured?.unit ?? '';
  const head = [unit, ...table.counts.map((count) => count.toLocaleString('en')), ''];
  const rows = grouped(table.entries, ({ title }) => title).map(([title, entries]) => [
    title,
    ...table.counts.map((count) => {
      const entry = entries.find((other) => other.count === count);
      return entry?.measured === undefined ? '–' : gridCell(table, entry, entry.measured, style);
    }),
    entries.find(({ missing }) => missing !== undefined)?.missing ?? '',
  ]);
  return markdown(head, rows, style);
}

/** The cell has what is in columns of its own in a list, below the median. */
function gridCell(table: Table, entry: Entry, measured: Measured, style: Style): string {
  const text = format(measured.median, measured.unit);
  const median = isAhead(table, entry) ? strong(`${text} (ahead)`, style) : text;
  const compared = ratioText(table, entry);
  const details = [quartiles(measured), compared === '' ? '' : `ratio ${compared}`].filter(Boolean);
  return style === 'terminal' || details.length === 0
    ? median
    : `${median}<br><sub>${details.join(', ')}</sub>`;
}

function quartiles({ unit, q1, q3 }: Measured): string {
  return q1 === q3 ? '' : `${format(q1, unit)} … ${format(q3, unit)}`;
}

function ratioText(table: Table, entry: Entry): string {
  return ratio(table, entry)?.toFixed(2) ?? '';
}

function strong(text: string, style: Style): string {
  return style === 'page' ? `**${text}**` : text;
}

/** Numbers are aligned to the right: all columns but the first and those without a title. */
function markdown(head: readonly string[], rows: readonly (readonly string[])[], style: Style): string {
  const align = head.map((text, index) => (index === 0 || text === '' ? '' : 'r'));
  return markdownTable([head, ...rows], { align, alignDelimiters: style === 'terminal' });
}
