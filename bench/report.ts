/** What a run shows in the terminal: progress, tables, verdicts. */
import type { Tell } from './harness.js';
import { grouped, isAhead, ratio, type Summary, type Table } from './summary.js';

/** Goes to the beginning of a terminal's line, and erases what stands there (ECMA-48, EL). */
const anew = '\r\x1b[K';
const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });

/** One line that says how far a subject is; on a terminal only, where it is replaced by the result. */
export function progress(title: string): Tell {
  if (!process.stdout.isTTY) return () => {};
  let shown = -1;
  return (done) => {
    const percent = Math.floor(100 * done);
    if (percent === shown) return;
    shown = percent;
    process.stdout.write(percent === 100 ? anew : `${anew}${title}: ${percent} %`);
  };
}

export function printTable(table: Table): void {
  if (table.counts.length > 1) printGrid(table);
  else printList(table);
}

function printList(table: Table): void {
  const titles = width([table.title, ...table.entries.map(({ title }) => `  ${title}`)]);
  console.log(`\n${table.title.padEnd(titles)}${'median'.padStart(9)}${'quartiles'.padStart(18)}`);
  for (const entry of table.entries) {
    const name = `  ${entry.title}`.padEnd(titles);
    if (entry.measured === undefined) {
      console.log(`${name}  ${entry.missing}`);
    } else {
      const { q1, median, q3, unit, instructions } = entry.measured;
      const quartiles = `${show(q1, unit)} … ${show(q3, unit)}`;
      const compared = ratio(table, entry);
      const times = compared === undefined ? '' : `, ratio ${compared.toFixed(2)}`;
      const counted = instructions === undefined ? '' : `, ${instructions} instructions`;
      const ahead = isAhead(table, entry) ? ', ahead of us' : '';
      console.log(
        `${name}${show(median, unit).padStart(9)}${quartiles.padStart(18)} ${unit}${times}${counted}${ahead}`,
      );
    }
  }
}

/** One line for a title, with the medians for each number of them. */
function printGrid(table: Table): void {
  const unit = table.entries.find(({ measured }) => measured !== undefined)?.measured?.unit;
  const titles = width(table.entries.map(({ title }) => `  ${title}`));
  const heads = table.counts.map((count) => number.format(count).padStart(12)).join('');
  console.log(`\n${table.title}${unit ? `, ${unit}` : ''}\n${' '.repeat(titles)}${heads}`);
  for (const [title, entries] of grouped(table.entries, (entry) => entry.title)) {
    const cells = table.counts.map((count) => {
      const entry = entries.find((one) => one.count === count);
      const text = entry?.measured === undefined ? '–' : show(entry.measured.median, entry.measured.unit);
      return `${text}${entry !== undefined && isAhead(table, entry) ? '*' : ' '}`.padStart(12);
    });
    const missing = entries.find((entry) => entry.missing !== undefined)?.missing;
    console.log(
      `${`  ${title}`.padEnd(titles)}${cells.join('')}${missing === undefined ? '' : `  ${missing}`}`,
    );
  }
  if (table.entries.some((entry) => isAhead(table, entry))) console.log('  * ahead of us');
}

export function printVerdicts({ targets }: Summary): void {
  if (targets.length === 0) return;
  const texts = width(targets.map(({ text }) => `  ${text}`));
  console.log(`\n${'Target'.padEnd(texts)}${'at most'.padStart(7)}${'reached'.padStart(9)}`);
  for (const { text, most, unit, reached, met } of targets) {
    const wanted = `  ${text}`.padEnd(texts) + number.format(most).padStart(7);
    if (reached === null) {
      console.log(`${wanted}  not measured`);
    } else {
      const by = show(Math.abs(most - reached), unit);
      console.log(
        `${wanted}${show(reached, unit).padStart(9)} ${unit.padEnd(5)} ${met ? 'met' : 'MISSED'} by ${by}`,
      );
    }
  }
}

/** Of a column that these fit into. */
function width(texts: readonly string[]): number {
  return Math.max(...texts.map(({ length }) => length)) + 1;
}

/** A value with as many digits as it deserves; a number of things has no unit. */
export function show(value: number, unit: string): string {
  if (unit === '') return number.format(value);
  return Math.abs(value) < 100 ? value.toFixed(2) : number.format(Math.round(value));
}
