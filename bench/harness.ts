/**
 * How measurements are taken. Contenders take turns, round by round, so that what the machine does meanwhile
 * meets all of them; what is compared is compared within rounds. Results are medians with quartiles.
 */

export type Unit = 'ns' | 'ms' | 'bytes' | 'MB' | '';

/** What all rows of a table say. */
interface Named {
  /** What targets and `results.json` call it: `subject.name`. */
  readonly id: string;
  readonly title: string;
  /** Whose it is, when not this project's. The `machine`'s is what no trampoline can go below. */
  readonly by?: string;
  /** A subject's rows are compared with each other, or within the groups that they name. */
  readonly group?: string;
  /** How many there were: rows of one title that differ in that make a line in a chart. */
  readonly count?: number;
}

/** One thing to measure. */
export interface Contender extends Named {
  readonly unit: Unit;
  /** Of one call, where they can be counted. */
  readonly instructions?: number | undefined;
  /** Measures once. Throws when the measured work was not done. */
  round(): number;
}

/** What was measured: one sample a round. */
export interface Figure extends Omit<Contender, 'round'> {
  readonly samples: readonly number[];
}

/** What could not be measured. */
export interface Absent extends Named {
  readonly missing: string;
}

export type Row = Figure | Absent;

/** A subject of the benchmark: a file of its own that prepares contenders and measures them. */
export interface Subject {
  readonly name: string;
  readonly title: string;
  measure(tell: Tell): Row[];
}

/** Hears how far a measurement is, from 0 to 1. */
export type Tell = (done: number) => void;

/** Measures contenders in turn. Every round begins with another one, and the first rounds do not count. */
export function takeTurns(
  contenders: readonly Contender[],
  { rounds, warmUp = 2 }: { rounds: number; warmUp?: number },
  tell: Tell,
): Figure[] {
  const samples = contenders.map((): number[] => []);
  for (let round = -warmUp; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (round + warmUp + turn) % contenders.length;
      const sample = contenders[index]!.round();
      if (round >= 0) samples[index]!.push(sample);
      tell(((round + warmUp) * contenders.length + turn + 1) / ((rounds + warmUp) * contenders.length));
    }
  }
  return contenders.map(({ round, ...rest }, index) => ({ ...rest, samples: samples[index]! }));
}

/** What was measured of the same contenders in several blocks, one after the other. */
export function joined(blocks: readonly (readonly Figure[])[]): Figure[] {
  return blocks[0]!.map((figure, index) => ({
    ...figure,
    samples: blocks.flatMap((block) => block[index]!.samples),
  }));
}

/**
 * For figures that are measured together, in one process: gives each of them once, and measures again when one is
 * asked for that was given.
 */
export function together<Key extends string>(measure: () => Record<Key, number>): (key: Key) => number {
  const left = new Map<Key, number>();
  return (key) => {
    if (!left.has(key))
      for (const [name, value] of Object.entries(measure())) left.set(name as Key, value as number);
    const value = left.get(key);
    if (value === undefined) throw new Error(`${key} was not measured`);
    left.delete(key);
    return value;
  };
}

export interface Spread {
  readonly q1: number;
  readonly median: number;
  readonly q3: number;
}

/** The median and the quartiles around it, between samples where there is none. */
export function spread(samples: readonly number[]): Spread {
  if (samples.length === 0) throw new RangeError('nothing was measured');
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (part: number): number => {
    const place = part * (sorted.length - 1);
    const low = sorted[Math.floor(place)]!;
    return low + (sorted[Math.ceil(place)]! - low) * (place % 1);
  };
  return { q1: at(0.25), median: at(0.5), q3: at(0.75) };
}

/** Compares two figures round by round. */
export function compare(
  { samples }: Figure,
  rival: Figure,
  by: (own: number, other: number) => number,
): number[] {
  return samples.map((sample, round) => by(sample, rival.samples[round]!));
}

/** Throws unless the measured work gave the result that only doing it gives. */
export function prove(what: string, got: bigint | number, expected: bigint | number): void {
  if (got !== expected) throw new Error(`${what} did not do its work: ${got} instead of ${expected}`);
}
