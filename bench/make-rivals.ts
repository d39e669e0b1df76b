/** The rivals of make.ts: libffi's closures and libffcall's callbacks, made and freed in C. */
import { type Absent, type Contender, prove } from './harness.js';
import { missing, native, Run, third } from './native.js';

const pairs = 100_000;

const rivals = [
  { by: 'libffi', title: 'libffi alloc + prep + free, in C', one: 'closure', churn: 'closure_churn' },
  { by: 'libffcall', title: 'libffcall alloc + free, in C', one: 'callback', churn: 'callback_churn' },
] as const;

/**
 * Live closures to make some among. More would take more memory than some machines have; and fewer beside them
 * would not be alone, since all share one heap.
 */
export const closureCrowd = 1e6;

/** A step that goes everywhere in a crowd and nowhere twice: the golden ratio of it, odd and not a multiple of 5. */
export function stepThrough(live: number): number {
  const step = Math.round(live * 0.618034) | 1;
  return step % 5 === 0 ? step + 2 : step;
}

/** One after the other, with no others alive. */
export function closures(group: string): { contenders: Contender[]; absent: Absent[] } {
  const contenders: Contender[] = [];
  const absent: Absent[] = [];
  for (const { by, title, one, churn } of rivals) {
    const row = { id: `make.${by}`, title, by, group };
    const why = missing(by);
    if (why !== undefined) {
      absent.push({ ...row, missing: why });
      continue;
    }
    // Prepares what all of them share, too.
    prove(title, Number(native(one, by)(new Run({ third, count: 0 })) !== 0n), 1);
    const run = new Run({ third, count: pairs });
    contenders.push({ ...row, unit: 'ns', round: () => timed(title, native(churn, by), run) });
  }
  return { contenders, absent };
}

/** At random places among many, which live from now on. */
export function scatteredClosures(group: string): Contender[] {
  if (missing('libffi') !== undefined) return [];
  const extra = native('closure_crowd', 'libffi')(new Run({ third, count: closureCrowd }));
  prove('libffi', Number(extra !== 0n), 1);
  const run = new Run({ second: BigInt(stepThrough(closureCrowd)), third, count: pairs, extra });
  const row = {
    id: `make.libffi-${closureCrowd}`,
    title: 'libffi closure',
    by: 'libffi',
    group,
    count: closureCrowd,
  };
  return [{ ...row, unit: 'ns', round: () => timed(row.title, native('closure_replace', 'libffi'), run) }];
}

function timed(title: string, make: (run: Run) => bigint, run: Run): number {
  make(run);
  prove(title, run.sum, BigInt(pairs));
  return run.nanoseconds / pairs;
}
