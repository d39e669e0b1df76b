/** The results of a run as stored in `results.json`, and the tables made from them. */
import { cpus, release } from 'node:os';
import { type Row, type Spread, spread, type TargetResult, type Unit } from './harness.js';

export interface Summary {
  readonly date: string;
  readonly system: string;
  readonly node: string;
  readonly subjects: readonly {
    readonly name: string;
    readonly title: string;
    readonly rows: readonly Entry[];
  }[];
  readonly targets: readonly TargetResult[];
}

/** A row without its samples: its quartiles, or the reason why it was not measured. */
export interface Entry {
  readonly id: string;
  readonly title: string;
  readonly vendor?: string;
  readonly group?: string;
  readonly count?: number;
  readonly missing?: string;
  readonly measured?: Measured;
}

export interface Measured extends Spread {
  readonly unit: Unit;
  readonly rounds: number;
  readonly instructions?: number;
}

/** Entries that are compared with each other. */
export interface Table {
  readonly title: string;
  readonly entries: readonly Entry[];
  /** The counts of all entries, ascending; empty if they have none. */
  readonly counts: readonly number[];
}

export function summarize(
  subjects: readonly { name: string; title: string; rows: readonly Row[] }[],
  targets: readonly TargetResult[],
): Summary {
  return {
    date: new Date().toISOString().slice(0, 10),
    system: `Linux ${release().split('-')[0]}, ${process.arch}, ${cpus()[0]?.model.trim()} x ${cpus().length}`,
    node: process.version,
    subjects: subjects.map(({ name, title, rows }) => ({ name, title, rows: rows.map(entry) })),
    targets: targets.map((target) => ({
      ...target,
      reached: target.reached === null ? null : round(target.reached),
    })),
  };
}

export function entry(row: Row): Entry {
  const { id, title, vendor, group, count } = row;
  const name = {
    id,
    title,
    ...(vendor === undefined ? {} : { vendor }),
    ...(group === undefined ? {} : { group }),
    ...(count === undefined ? {} : { count }),
  };
  if ('missing' in row) return { ...name, missing: row.missing };
  const { unit, samples, instructions } = row;
  const { q1, median, q3 } = spread(samples);
  const measured = { unit, rounds: samples.length, q1: round(q1), median: round(median), q3: round(q3) };
  return { ...name, measured: instructions === undefined ? measured : { ...measured, instructions } };
}

/** Returns the tables of a subject, one per group. */
export function tables(title: string, entries: readonly Entry[]): Table[] {
  return grouped(entries, ({ group }) => group ?? title).map(([title, entries]) => {
    const counts = new Set(entries.flatMap(({ count }) => (count === undefined ? [] : [count])));
    return { title, entries, counts: [...counts].sort((a, b) => a - b) };
  });
}

/** Groups entries by key, in the order of the first entry of each key. */
export function grouped(entries: readonly Entry[], key: (entry: Entry) => string): [string, Entry[]][] {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) groups.set(key(entry), [...(groups.get(key(entry)) ?? []), entry]);
  return [...groups];
}

/** Returns this project's best row with the count and unit of an entry. */
export function bestOwn({ entries }: Table, { count, measured }: Entry): Measured | undefined {
  const own = entries.filter((other) => other.vendor === undefined && other.count === count);
  return own
    .flatMap((other) => (other.measured?.unit === measured?.unit ? [other.measured!] : []))
    .reduce<Measured | undefined>(
      (best, one) => (best === undefined || one.median < best.median ? one : best),
      undefined,
    );
}

/** Divides a median by that of this project's best row; `undefined` in tables without other vendors. */
export function ratio(table: Table, entry: Entry): number | undefined {
  const best = bestOwn(table, entry);
  if (table.entries.every(({ vendor }) => vendor === undefined) || entry.measured === undefined)
    return undefined;
  return best === undefined || best.median === 0 ? undefined : entry.measured.median / best.median;
}

/** Whether another vendor's upper quartile is below the lower quartile of this project's best row. */
export function isAhead(table: Table, entry: Entry): boolean {
  const best = bestOwn(table, entry);
  if (best === undefined || entry.measured === undefined) return false;
  return entry.vendor !== undefined && entry.vendor !== 'machine' && entry.measured.q3 < best.q1;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
