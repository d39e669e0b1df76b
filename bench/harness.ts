/**
 * Takes measurements. Contenders are measured round by round, interleaved, so that other load on the machine affects
 * all of them; comparisons are made within rounds. Results are medians with quartiles.
 */

export type Unit = 'ns' | 'ms' | 'bytes' | 'MB' | '';

interface RowName {
  /** `subject.name`, as in targets and `results.json`. */
  readonly id: string;
  readonly title: string;
  /** Absent for rows of this project. `machine` is a lower bound that no trampoline can reach. */
  readonly vendor?: string;
  /** Rows are compared within their group; by default a subject is one group. */
  readonly group?: string;
  /** Number of trampolines. Rows with equal titles and different counts make a line in a chart. */
  readonly count?: number;
}

export interface Contender extends RowName {
  readonly unit: Unit;
  /** Instructions of one call, if they can be counted. */
  readonly instructions?: number | undefined;
  /** Measures once. Throws if the measured work was not done. */
  round(): number;
}

/** A measured row: one sample per round. */
export interface Figure extends Omit<Contender, 'round'> {
  readonly samples: readonly number[];
}

export interface Unavailable extends RowName {
  readonly missing: string;
}

export type Row = Figure | Unavailable;

/** One part of the benchmark, in a file of its own. */
export interface Subject {
  readonly name: string;
  readonly title: string;
  measure(onProgress: OnProgress): Row[];
}

/** Receives the progress of a measurement, from 0 to 1. */
export type OnProgress = (done: number) => void;

/** A target with the measured median; both results are `null` if a row is missing. */
export interface TargetResult {
  readonly text: string;
  readonly max: number;
  readonly unit: string;
  readonly reached: number | null;
  readonly met: boolean | null;
}

/** Measures contenders in turn. Each round begins with the next contender; warm-up rounds are discarded. */
export function runInterleaved(
  contenders: readonly Contender[],
  { rounds, warmUp = 2 }: { rounds: number; warmUp?: number },
  onProgress: OnProgress,
): Figure[] {
  const samples = contenders.map((): number[] => []);
  for (let round = -warmUp; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (round + warmUp + turn) % contenders.length;
      const sample = contenders[index]!.round();
      if (round >= 0) samples[index]!.push(sample);
      onProgress(((round + warmUp) * contenders.length + turn + 1) / ((rounds + warmUp) * contenders.length));
    }
  }
  return contenders.map(({ round, ...row }, index) => ({ ...row, samples: samples[index]! }));
}

/** Joins the samples of the same contenders from several blocks. */
export function concatSamples(blocks: readonly (readonly Figure[])[]): Figure[] {
  return blocks[0]!.map((figure, index) => ({
    ...figure,
    samples: blocks.flatMap((block) => block[index]!.samples),
  }));
}

/**
 * Shares a measurement that yields several figures, for example those of one process. Returns a function that returns
 * each figure once, and measures again when a figure is requested a second time.
 */
export function measureTogether<Key extends string>(
  measure: () => Record<Key, number>,
): (key: Key) => number {
  const unused = new Map<Key, number>();
  return (key) => {
    if (!unused.has(key))
      for (const [name, value] of Object.entries(measure())) unused.set(name as Key, value as number);
    const value = unused.get(key);
    if (value === undefined) throw new Error(`${key} was not measured`);
    unused.delete(key);
    return value;
  };
}

export interface Spread {
  readonly q1: number;
  readonly median: number;
  readonly q3: number;
}

/** Returns the median and the quartiles, interpolated between samples. */
export function spread(samples: readonly number[]): Spread {
  if (samples.length === 0) throw new RangeError('No samples');
  const sorted = samples.toSorted((a, b) => a - b);
  const quantile = (part: number): number => {
    const position = part * (sorted.length - 1);
    const low = sorted[Math.floor(position)]!;
    return low + (sorted[Math.ceil(position)]! - low) * (position % 1);
  };
  return { q1: quantile(0.25), median: quantile(0.5), q3: quantile(0.75) };
}

/** Compares two figures round by round. */
export function compare(
  { samples }: Figure,
  rival: Figure,
  operation: (own: number, other: number) => number,
): number[] {
  return samples.map((sample, round) => operation(sample, rival.samples[round]!));
}

/** Throws unless the measured work has the result that only doing it yields. */
export function assertResult(subject: string, actual: bigint | number, expected: bigint | number): void {
  if (actual !== expected)
    throw new Error(`${subject} did not do its work: ${actual} instead of ${expected}`);
}
