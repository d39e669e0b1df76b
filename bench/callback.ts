/** Cost of calls from C to JavaScript, compared with other FFI libraries and runtimes. */
import koffi from 'koffi';
import { addressOf, createCallback, nativeFunction, symbolAddress } from 'trampfd';
import { creating } from './callback-create.js';
import { checkLoop, prepareLoop } from './callback-loop.js';
import { callbackTitles, contender, row } from './callback-rows.js';
import { crossThreadCalls } from './callback-threads.js';
import {
  type Contender,
  concatSamples,
  measureTogether,
  type OnProgress,
  type Row,
  runInterleaved,
  type Subject,
  type Unavailable,
} from './harness.js';
import { library, missing } from './native.js';
import { failureReason, peers, runScript } from './peers.js';

const calls = 20_000;
/** A block is many rounds of the contenders in this process, and one round of the others: a process each. */
const blocks = 9;
const rounds = 23;

/** The name is part of row ids. */
export const callback: Subject = { name: 'closure', title: 'Callbacks', measure };

function measure(onProgress: OnProgress): Row[] {
  const unavailable: Unavailable[] = [];
  const noHeaders = missing('napi');
  const inProcess = [...sameThread(), ...(noHeaders === undefined ? [nodeApi()] : []), ...creating()];
  if (noHeaders !== undefined)
    unavailable.push({ ...row('napi', titles.napi, 'call', 'C'), missing: noHeaders });
  const crossThread = crossThreadCalls();
  const others = crossThread.contenders;
  unavailable.push(...crossThread.unavailable);
  for (const name of ['node-ffi', 'bun', 'deno'] as const) {
    const run = (): Record<string, number> => runScript(peers[name].runtime, name, library('loop'));
    const reason = failureReason(peers[name].runtime, run);
    const take = measureTogether(run);
    const vendor = peers[name].title;
    for (const [key, id, title] of [
      ['call', name, callbackTitles[name]],
      ['make', `make-${name}`, `${callbackTitles[name]}, created and closed`],
    ] as const) {
      if (reason === undefined) others.push(contender(id, title, key, () => take(key), vendor));
      else unavailable.push({ ...row(id, title, key, vendor), missing: reason });
    }
  }
  const figures = Array.from({ length: blocks }, (_, block) => [
    ...runInterleaved(inProcess, { rounds }, (done) => onProgress((block + done / 2) / blocks)),
    ...runInterleaved(others, { rounds: 1, warmUp: 0 }, (done) => {
      onProgress((block + (1 + done) / 2) / blocks);
    }),
  ]);
  return [...concatSamples(figures), ...unavailable];
}

const titles = {
  number: 'createCallback, two pointers as numbers, fiber: true',
  bigint: 'createCallback, two pointers as bigints, fiber: true',
  int: 'createCallback, two integers, fiber: true',
  'number-thread': "createCallback, numbers, on the thread's stack",
  'bigint-thread': "createCallback, bigints, on the thread's stack",
  koffi: 'koffi callback',
  napi: 'napi_call_function in C',
};

/** Returns the calls from a loop in C, on the JavaScript thread. */
function sameThread(): Contender[] {
  const loop = symbolAddress('closure_loop', library('loop'));
  const fiber = nativeFunction('void (void *)', loop, { fiber: true });
  const thread = nativeFunction('void (void *)', loop);
  koffi.load(null); // without a library, `call` crashes
  const rival = koffi.call.bind(undefined, loop, koffi.proto('void (void *)')) as (run: bigint) => void;
  const numbers = { result: 'int', args: ['void *', 'void *'], pointers: 'number' } as const;
  const type = koffi.pointer(koffi.proto('int (intptr_t, intptr_t)'));
  const [number, bigint] = [
    createCallback(numbers, (a, b) => b - a).address,
    createCallback('int (void *, void *)', (a, b) => Number(b - a)).address,
  ];
  return [
    inLoop('number', fiber, number),
    inLoop('bigint', fiber, bigint),
    inLoop('number-thread', thread, number),
    inLoop('bigint-thread', thread, bigint),
    inLoop('int', fiber, createCallback('int (int, int)', (a, b) => b - a).address),
    inLoop('koffi', rival, koffi.address(koffi.register((a: number, b: number) => b - a, type))),
  ];
}

function inLoop(name: keyof typeof titles, loop: (run: bigint) => void, address: bigint): Contender {
  const words = new BigUint64Array(6);
  prepareLoop(words, address, calls);
  const run = addressOf(words);
  const round = (): number => {
    loop(run);
    return checkLoop(words);
  };
  const group = name === 'int' ? 'ints' : 'call';
  return contender(name, titles[name], group, round, name === 'koffi' ? 'koffi' : undefined);
}

function nodeApi(): Contender {
  const addon = {
    exports: {} as { run(words: BigUint64Array, compare: (a: number, b: number) => number): void },
  };
  process.dlopen(addon, library('napi'));
  const words = new BigUint64Array(6);
  prepareLoop(words, 0n, calls);
  const round = (): number => {
    addon.exports.run(words, (a, b) => b - a);
    return checkLoop(words);
  };
  return contender('napi', titles.napi, 'call', round, 'C');
}
