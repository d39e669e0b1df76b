/** Writes `docs/benchmarks.md` and its charts. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Draw, drawing } from './charts.js';
import { root } from './native.js';
import { show } from './report.js';
import {
  type Entry,
  grouped,
  isAhead,
  type Judged,
  type Measured,
  ratio,
  type Summary,
  type Table,
  tables,
} from './summary.js';

const docs = join(root, 'docs');
const folder = 'benchmarks';

/** Without what draws, the page has no charts, and those that stand are left alone. */
export async function writePage(summary: Summary): Promise<void> {
  const draw = await drawing();
  if (draw === undefined) console.log('\nNo charts: Plot is not there.');
  const files = page(summary, draw);
  if (draw !== undefined) rmSync(join(docs, folder), { recursive: true, force: true });
  for (const [name, text] of files) {
    mkdirSync(dirname(join(docs, name)), { recursive: true });
    writeFileSync(join(docs, name), text);
  }
}

/** The page and its charts, by their names in `docs/`. */
export function page(summary: Summary, draw: Draw | undefined): Map<string, string> {
  const files = new Map<string, string>();
  const sections = summary.subjects.map(({ name, title, rows }) => {
    const parts = tables(title, rows).map((table, index, { length }) => {
      const chart = `${folder}/${length === 1 ? name : `${name}-${index + 1}`}.svg`;
      // Two bars tell no more than two figures.
      const drawn = table.entries.filter(({ measured }) => measured !== undefined).length > 2;
      if (draw !== undefined && drawn) files.set(chart, draw(table));
      return [
        ...(table.title === title ? [] : [`### ${table.title}`]),
        ...(files.has(chart) ? [`![${table.title}](${chart})`] : []),
        table.counts.length > 1 ? grid(table) : list(table),
      ].join('\n\n');
    });
    return `## ${title}\n\n${parts.join('\n\n')}`;
  });
  const text = [introduction(summary), verdicts(summary.targets), ...sections].join('\n\n');
  return files.set(`${folder}.md`, `${text}\n`);
}

function introduction({ date, system, node }: Summary): string {
  return `# Benchmarks

Written by \`npm run bench\`, on ${date}: ${system}, Node ${node}. All of it was measured in one run.

Each part has a process of its own, in which contenders take turns, so that what the machine does meanwhile meets all
of them. Each loop first proves that its work was done: calls return what only the right arguments give, and their sum
is checked. A figure is the median of the rounds; the quartiles beside it tell how much rounds differ. Where JavaScript
calls C, a round is the best of many: whoever shares a processor's core takes up to half of so short a call's time.
*Ratio* compares with the best row of this project in the same table, for the same number where there are several. Rows
of others that are **ahead** of all of this project's are marked: their upper quartile is below our lower one.
*Instructions* are those of one call, with the loop around it and what it calls, counted by stepping through them; a
repeated string instruction counts once for each time.

In the charts, blue is this project, grey are the others, and fainter grey is what the machine takes without
trampolines. [results.json](../bench/results.json) has all figures.`;
}

function verdicts(targets: readonly Judged[]): string {
  const rows = targets.map(({ text, most, unit, reached, met }) => {
    const outcome =
      reached === null
        ? '– | not measured'
        : `${show(reached, unit)} | ${met ? 'met' : '**missed**'} by ${show(Math.abs(most - reached), unit)}`;
    return `| ${text} | ${most.toLocaleString('en')} ${unit} | ${outcome} |`;
  });
  return `## Targets\n\n| what | at most | reached | |\n|---|--:|--:|---|\n${rows.join('\n')}`;
}

function list(table: Table): string {
  const counted = table.entries.some(({ measured }) => measured?.instructions !== undefined);
  const head = ['', 'median', 'quartiles', 'ratio', ...(counted ? ['instructions'] : []), ''];
  const rows = table.entries.map((entry) => {
    const { measured } = entry;
    if (measured === undefined) return [entry.title, '–', '', '', ...(counted ? [''] : []), entry.missing!];
    const { unit, median, instructions } = measured;
    return [
      entry.title,
      `${show(median, unit)} ${unit}`,
      quartiles(measured),
      times(table, entry),
      ...(counted ? [instructions === undefined ? '' : String(instructions)] : []),
      isAhead(table, entry) ? '**ahead**' : '',
    ];
  });
  return markdown(head, rows);
}

function grid(table: Table): string {
  const unit = table.entries.find(({ measured }) => measured !== undefined)?.measured?.unit ?? '';
  const head = [unit, ...table.counts.map((count) => count.toLocaleString('en')), ''];
  const rows = grouped(table.entries, ({ title }) => title).map(([title, entries]) => [
    title,
    ...table.counts.map((count) => {
      const entry = entries.find((one) => one.count === count);
      return entry?.measured === undefined ? '–' : cell(table, entry, entry.measured);
    }),
    entries.find(({ missing }) => missing !== undefined)?.missing ?? '',
  ]);
  return markdown(head, rows);
}

/** A figure of a grid. What has columns of its own in a list stands below it. */
function cell(table: Table, entry: Entry, measured: Measured): string {
  const text = show(measured.median, measured.unit);
  const compared = times(table, entry);
  const small = [quartiles(measured), compared === '' ? '' : `ratio ${compared}`].filter((one) => one !== '');
  return [
    isAhead(table, entry) ? `**${text} (ahead)**` : text,
    ...(small.length === 0 ? [] : [`<sub>${small.join(', ')}</sub>`]),
  ].join('<br>');
}

function quartiles({ unit, q1, q3 }: Measured): string {
  return q1 === q3 ? '' : `${show(q1, unit)} … ${show(q3, unit)}`;
}

function times(table: Table, entry: Entry): string {
  return ratio(table, entry)?.toFixed(2) ?? '';
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((text, index) => (index === 0 || text === '' ? '---' : '--:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
