/** What a run shows: progress and tables for the terminal, figures for `results.json`. */
import { cpus, release } from 'node:os';
import { type Row, type Spread, spread, type Tell, type Unit } from './harness.js';
import type { Verdict } from './targets.js';

const width = 80;
const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });

/** One line that says how far a subject is; on a terminal only, where it is replaced by the result. */
export function progress(title: string): Tell {
  if (!process.stdout.isTTY) return () => {};
  let shown = -1;
  return (done) => {
    const percent = Math.floor(100 * done);
    if (percent === shown) return;
    shown = percent;
    process.stdout.write(percent === 100 ? `\r${' '.repeat(width - 1)}\r` : `\r${title}: ${percent} %`);
  };
}

export function printRows(title: string, rows: readonly Row[]): void {
  console.log(`\n${title.padEnd(46)}${'median'.padStart(9)}${'quartiles'.padStart(18)}`);
  for (const row of rows) {
    const name = `  ${row.title}`.padEnd(46);
    if ('missing' in row) {
      console.log(`${name}  ${row.missing}`);
    } else {
      const { q1, median, q3 } = spread(row.samples);
      const quartiles = `${show(q1, row.unit)} … ${show(q3, row.unit)}`;
      console.log(`${name}${show(median, row.unit).padStart(9)}${quartiles.padStart(18)} ${row.unit}`);
    }
  }
}

export function printVerdicts(verdicts: readonly Verdict[]): void {
  console.log(`\n${'Target'.padEnd(43)}${'at most'.padStart(7)}${'reached'.padStart(9)}`);
  for (const { text, most, unit, reached, met } of verdicts) {
    const wanted = `  ${text}`.padEnd(43) + number.format(most).padStart(7);
    if (reached === undefined) {
      console.log(`${wanted}  not measured`);
    } else {
      const by = fixed(Math.abs(most - reached));
      console.log(
        `${wanted}${fixed(reached).padStart(9)} ${unit.padEnd(5)} ${met ? 'met' : 'MISSED'} by ${by}`,
      );
    }
  }
}

/** What `results.json` holds. */
export function summary(rows: readonly Row[], verdicts: readonly Verdict[]): object {
  return {
    date: new Date().toISOString().slice(0, 10),
    system: `Linux ${release().split('-')[0]}, ${process.arch}, ${cpus()[0]?.model.trim()} x ${cpus().length}`,
    node: process.version,
    rows: rows.map((row) => {
      if ('missing' in row) return row;
      const { id, title, unit, samples } = row;
      return { id, title, unit, rounds: samples.length, ...rounded(spread(samples)) };
    }),
    targets: verdicts.map(({ reached, ...rest }) => ({
      ...rest,
      reached: reached === undefined ? null : round(reached),
      met: rest.met ?? null,
    })),
  };
}

function show(value: number, unit: Unit): string {
  return unit === '' ? number.format(value) : fixed(value);
}

function fixed(value: number): string {
  return value.toFixed(Math.abs(value) < 100 ? 2 : 0);
}

function rounded({ q1, median, q3 }: Spread): Spread {
  return { q1: round(q1), median: round(median), q3: round(q3) };
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
