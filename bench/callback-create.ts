/** Cost of creating and freeing a callback, in this process. */
import koffi from 'koffi';
import { callbackStats, createCallback } from 'trampfd';
import { checkLoop, prepareLoop } from './callback-loop.js';
import { contender } from './callback-rows.js';
import { assertResult, type Contender } from './harness.js';
import { native, Run } from './native.js';

const creations = 5000;

interface Way {
  readonly vendor?: string;
  /** Creates a callback that is called, to prove that callbacks made like this work. */
  create(): { readonly address: bigint; close(): void };
  /** Creates and frees `count` callbacks, one after the other. Returns how many were created. */
  churn(count: number): number;
}

export function creating(): Contender[] {
  const compare = (a: number, b: number): number => b - a;
  const type = koffi.pointer(koffi.proto('int (int, int)'));
  return [
    from('make', 'createCallback + close', {
      create: () => createCallback('int (int, int)', compare),
      churn(count) {
        const { created } = callbackStats();
        for (let index = 0; index < count; index++) createCallback('int (int, int)', compare).close();
        return callbackStats().created - created;
      },
    }),
    from('make-koffi', 'koffi register + unregister', {
      vendor: 'koffi',
      create() {
        const callback = koffi.register(compare, type);
        return { address: koffi.address(callback), close: () => koffi.unregister(callback) };
      },
      churn(count) {
        let created = 0;
        for (let index = 0; index < count; index++) {
          const callback = koffi.register(compare, type);
          if (callback !== null) created++;
          koffi.unregister(callback);
        }
        return created;
      },
    }),
  ];
}

function from(name: string, title: string, { vendor, create, churn }: Way): Contender {
  const run = new Run({ count: 0 });
  const round = (): number => {
    const callback = create();
    prepareLoop(run.words, callback.address, 100);
    native('closure_loop')(run);
    checkLoop(run.words);
    callback.close();
    const start = process.hrtime.bigint();
    const created = churn(creations);
    const time = Number(process.hrtime.bigint() - start) / creations;
    assertResult(title, created, creations);
    return time;
  };
  return contender(name, title, 'make', round, vendor);
}
