/** What a run found out, as it stands in `results.json`, and the tables that it makes. */
import { cpus, release } from 'node:os';
import { type Row, type Spread, spread, type Unit } from './harness.js';
import type { Verdict } from './targets.js';

export interface Summary {
  readonly date: string;
  readonly system: string;
  readonly node: string;
  readonly subjects: readonly {
    readonly name: string;
    readonly title: string;
    readonly rows: readonly Entry[];
  }[];
  readonly targets: readonly Judged[];
}

/** A row without its samples: what was measured, or why it was not. */
export interface Entry {
  readonly id: string;
  readonly title: string;
  readonly by?: string;
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

export interface Judged extends Omit<Verdict, 'reached' | 'met'> {
  readonly reached: number | null;
  readonly met: boolean | null;
}

/** Entries that are compared with each other. */
export interface Table {
  readonly title: string;
  readonly entries: readonly Entry[];
  /** When the entries differ in it: how many there were, ascending. */
  readonly counts: readonly number[];
}

export function summarize(
  subjects: readonly { name: string; title: string; rows: readonly Row[] }[],
  verdicts: readonly Verdict[],
): Summary {
  return {
    date: new Date().toISOString().slice(0, 10),
    system: `Linux ${release().split('-')[0]}, ${process.arch}, ${cpus()[0]?.model.trim()} x ${cpus().length}`,
    node: process.version,
    subjects: subjects.map(({ name, title, rows }) => ({ name, title, rows: rows.map(entry) })),
    targets: verdicts.map(({ reached, met, ...rest }) => ({
      ...rest,
      reached: reached === undefined ? null : round(reached),
      met: met ?? null,
    })),
  };
}

export function entry(row: Row): Entry {
  const { id, title, by, group, count } = row;
  const named = {
    id,
    title,
    ...(by === undefined ? {} : { by }),
    ...(group === undefined ? {} : { group }),
    ...(count === undefined ? {} : { count }),
  };
  if ('missing' in row) return { ...named, missing: row.missing };
  const { unit, samples, instructions } = row;
  const { q1, median, q3 } = spread(samples);
  const measured = { unit, rounds: samples.length, q1: round(q1), median: round(median), q3: round(q3) };
  return { ...named, measured: instructions === undefined ? measured : { ...measured, instructions } };
}

/** A subject's tables: one for each group. */
export function tables(title: string, entries: readonly Entry[]): Table[] {
  return grouped(entries, ({ group }) => group ?? title).map(([title, entries]) => {
    const counts = new Set(entries.flatMap(({ count }) => (count === undefined ? [] : [count])));
    return { title, entries, counts: [...counts].sort((a, b) => a - b) };
  });
}

/** Entries with the same key, in the order of each key's first. */
export function grouped(entries: readonly Entry[], key: (entry: Entry) => string): [string, Entry[]][] {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) groups.set(key(entry), [...(groups.get(key(entry)) ?? []), entry]);
  return [...groups];
}

/** This project's best entry in a table, among those that can be compared with one. */
export function bestOwn({ entries }: Table, { count, measured }: Entry): Measured | undefined {
  const own = entries.filter((other) => other.by === undefined && other.count === count);
  return own
    .flatMap((other) => (other.measured?.unit === measured?.unit ? [other.measured!] : []))
    .reduce<Measured | undefined>(
      (best, one) => (best === undefined || one.median < best.median ? one : best),
      undefined,
    );
}

/** How often its median has the best own one in it; nothing where nobody else is there to be compared with. */
export function ratio(table: Table, entry: Entry): number | undefined {
  const best = bestOwn(table, entry);
  if (table.entries.every(({ by }) => by === undefined) || entry.measured === undefined) return undefined;
  return best === undefined || best.median === 0 ? undefined : entry.measured.median / best.median;
}

/** Whether somebody else is better than all of this project's in most rounds of both. */
export function isAhead(table: Table, entry: Entry): boolean {
  const best = bestOwn(table, entry);
  if (best === undefined || entry.measured === undefined) return false;
  return entry.by !== undefined && entry.by !== 'machine' && entry.measured.q3 < best.q1;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
