/**
 * Measures calls from another thread, which waits for each result: of trampfd, koffi and, if it was compiled, an add-on,
 * interleaved. Prints a line of JSON.
 *
 *     node relayed.mjs library calls [addon]
 */
import process from 'node:process';
import koffi from 'koffi';
import { checkLoop, prepareLoop } from '../../build/bench/callback-loop.js';
import { addressOf, createCallback, nativeFunction, symbolAddress } from '../../dist/bundle/index.js';
import { median } from './measure.mjs';

const [, , library, calls, path] = process.argv;
const loop = symbolAddress('closure_loop', library);
const words = new BigUint64Array(6);
const address = addressOf(words);
const compare = (a, b) => b - a;

const own = createCallback({ result: 'int', args: ['void *', 'void *'], pointers: 'number' }, compare);
const type = koffi.proto('int (intptr_t, intptr_t)');
const rival = koffi.address(koffi.register(compare, koffi.pointer(type)));
const run = nativeFunction('void (void *)', loop).async;
const ways = [
  { name: 'own', callee: own.address, call: () => run(address), samples: [] },
  { name: 'koffi', callee: rival, call: () => run(address), samples: [] },
];
if (path !== undefined) {
  const addon = { exports: {} };
  process.dlopen(addon, path);
  ways.push({
    name: 'napi',
    callee: 0n,
    call: () => addon.exports.runElsewhere(words, compare),
    samples: [],
  });
}

for (let round = -2; round < 7; round++) {
  for (const { callee, call, samples } of ways) {
    prepareLoop(words, callee, Number(calls));
    await call();
    const time = checkLoop(words);
    if (round >= 0) samples.push(time);
  }
}
console.log(JSON.stringify(Object.fromEntries(ways.map(({ name, samples }) => [name, median(samples)]))));
process.exit();
