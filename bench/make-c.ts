/** Contenders of make.ts in C: libffi's closures and libffcall's callbacks. */
import { assertResult, type Contender, type Unavailable } from './harness.js';
import { missing, native, Run, third } from './native.js';

const pairs = 100_000;

const rivals = [
  { vendor: 'libffi', title: 'libffi alloc + prep + free, in C', one: 'closure', churn: 'closure_churn' },
  { vendor: 'libffcall', title: 'libffcall alloc + free, in C', one: 'callback', churn: 'callback_churn' },
] as const;

/** Live closures while others are replaced. More need too much memory, and several such sets would share one heap. */
const liveClosures = 1e6;

/** Returns a step that visits positions far apart: the golden ratio of `live`, odd and not a multiple of 5. */
export function stepThrough(live: number): number {
  const step = Math.round(live * 0.618034) | 1;
  return step % 5 === 0 ? step + 2 : step;
}

/** One at a time, without others. */
export function alternating(group: string): { contenders: Contender[]; unavailable: Unavailable[] } {
  const contenders: Contender[] = [];
  const unavailable: Unavailable[] = [];
  for (const { vendor, title, one, churn } of rivals) {
    const row = { id: `make.${vendor}`, title, vendor, group };
    const reason = missing(vendor);
    if (reason !== undefined) {
      unavailable.push({ ...row, missing: reason });
      continue;
    }
    // Prepares shared state, too.
    assertResult(title, Number(native(one, vendor)(new Run({ third, count: 0 })) !== 0n), 1);
    const run = new Run({ third, count: pairs });
    contenders.push({ ...row, unit: 'ns', round: () => timed(title, native(churn, vendor), run) });
  }
  return { contenders, unavailable };
}

/** At random positions among many, which stay alive until the process ends. */
export function scattered(group: string): Contender[] {
  if (missing('libffi') !== undefined) return [];
  const extra = native('closure_create_many', 'libffi')(new Run({ third, count: liveClosures }));
  assertResult('libffi', Number(extra !== 0n), 1);
  const run = new Run({ second: BigInt(stepThrough(liveClosures)), third, count: pairs, extra });
  const row = {
    id: `make.libffi-${liveClosures}`,
    title: 'libffi closure',
    vendor: 'libffi',
    group,
    count: liveClosures,
  };
  return [{ ...row, unit: 'ns', round: () => timed(row.title, native('closure_replace', 'libffi'), run) }];
}

function timed(title: string, loop: (run: Run) => bigint, run: Run): number {
  loop(run);
  assertResult(title, run.sum, BigInt(pairs));
  return run.nanoseconds / pairs;
}
