/** The rival of make.ts: libffi's closures, made and freed in C. */
import { type Contender, prove } from './harness.js';
import { native, Run, third } from './native.js';

const pairs = 100_000;

export const libffi = 'libffi alloc + prep + free, in C';

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
export function closures(): Contender {
  // Prepares what all closures share, too.
  prove('libffi', Number(native('closure', 'libffi')(new Run({ third, count: 0 })) !== 0n), 1);
  return contender('libffi', libffi, 'closure_churn', new Run({ third, count: pairs }), pairs);
}

/** At random places among many, which live from now on. */
export function scatteredClosures(): Contender {
  const extra = native('closure_crowd', 'libffi')(new Run({ third, count: closureCrowd }));
  prove('libffi', Number(extra !== 0n), 1);
  const replace = new Run({ second: BigInt(stepThrough(closureCrowd)), third, count: pairs, extra });
  const title = `libffi likewise, ${closureCrowd.toLocaleString('en')} live`;
  return contender(`libffi-${closureCrowd}`, title, 'closure_replace', replace, pairs);
}

function contender(name: string, title: string, through: string, run: Run, count: number): Contender {
  const call = native(through, 'libffi');
  const round = (): number => {
    call(run);
    prove(title, run.sum, BigInt(count));
    return run.nanoseconds / count;
  };
  return { id: `make.${name}`, title, unit: 'ns', round };
}
