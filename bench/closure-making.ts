/** What it costs to make a closure and to free it, in this process. */
import koffi from 'koffi';
import { callbackStats, createCallback } from 'trampfd';
import { checked, runFor } from './closure-loop.js';
import { contender } from './closure-rows.js';
import { type Contender, prove } from './harness.js';
import { native } from './native.js';

const makes = 5000;

interface Maker {
  readonly by?: string;
  /** Makes one to be called, which proves what the others are. */
  make(): { readonly address: bigint; close(): void };
  /** Makes and frees so many, one after the other. Returns how many there were. */
  makeAndFree(count: number): number;
}

export function making(): Contender[] {
  const compare = (a: number, b: number): number => b - a;
  const type = koffi.pointer(koffi.proto('int (int, int)'));
  return [
    from('make', 'createCallback + free', {
      make: () => createCallback('int (int, int)', compare),
      makeAndFree(count) {
        const { created } = callbackStats();
        for (let index = 0; index < count; index++) createCallback('int (int, int)', compare).close();
        return callbackStats().created - created;
      },
    }),
    from('make-koffi', 'koffi register + unregister', {
      by: 'koffi',
      make() {
        const made = koffi.register(compare, type);
        return { address: koffi.address(made), close: () => koffi.unregister(made) };
      },
      makeAndFree(count) {
        let made = 0;
        for (let index = 0; index < count; index++) {
          const one = koffi.register(compare, type);
          if (one !== null) made++;
          koffi.unregister(one);
        }
        return made;
      },
    }),
  ];
}

function from(name: string, title: string, { by, make, makeAndFree }: Maker): Contender {
  const round = (): number => {
    const one = make();
    const run = runFor(one.address, 100);
    native('closure_loop')(run);
    checked(title, run);
    one.close();
    const start = process.hrtime.bigint();
    const made = makeAndFree(makes);
    const time = Number(process.hrtime.bigint() - start) / makes;
    prove(title, made, makes);
    return time;
  };
  return contender(name, title, 'make', round, by);
}
