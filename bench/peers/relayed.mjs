/** Calls from another thread, which waits for each: ours and koffi's, in turns. One line of JSON. */
import koffi from 'koffi';
import { addressOf, createClosure, nativeFunction, symbolAddress } from '../../dist/bundle/index.js';
import { base } from './measure.mjs';

const [, , library, given] = process.argv;
const calls = Number(given);
const loop = symbolAddress('closure_loop', library);
const words = new BigUint64Array(6);
const address = addressOf(words);

const own = createClosure({ result: 'int', args: ['void *', 'void *'], pointers: 'number' }, (a, b) => b - a);
const type = koffi.proto('int (intptr_t, intptr_t)');
const rival = koffi.address(koffi.register((a, b) => b - a, koffi.pointer(type)));
const run = nativeFunction('void (void *)', loop, { async: true });

async function measure(call) {
  words.set([call, BigInt(base), 0n, BigInt(calls), 0n, 0n]);
  await run(address);
  let sum = 0;
  for (let i = 0; i < calls; i++) sum += 3 + (i & 7);
  if (words[4] !== BigInt(sum)) throw new Error(`${words[4]} instead of ${sum}`);
  return Number(words[5]) / calls;
}

const samples = { own: [], koffi: [] };
for (let round = -2; round < 7; round++) {
  const [a, b] = [await measure(own.address), await measure(rival)];
  if (round < 0) continue;
  samples.own.push(a);
  samples.koffi.push(b);
}
const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
console.log(JSON.stringify({ own: median(samples.own), koffi: median(samples.koffi) }));
process.exit();
