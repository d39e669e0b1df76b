/** What calls between C and JavaScript cost, beside other FFI libraries and runtimes. */
import koffi from 'koffi';
import { addressOf, createCallback, nativeFunction, symbolAddress } from 'trampfd';
import { checked, runFor } from './closure-loop.js';
import { making } from './closure-making.js';
import { relays } from './closure-relayed.js';
import { callbacks, contender, row } from './closure-rows.js';
import {
  type Absent,
  type Contender,
  joined,
  type Row,
  type Subject,
  type Tell,
  takeTurns,
  together,
} from './harness.js';
import { library, missing } from './native.js';
import { ask, peers, refusal } from './peers.js';

const calls = 20_000;
/** In-process contenders are quick; a round of the others is a process each. So a block has one of those. */
const blocks = 9;
const rounds = 23;

export const closure: Subject = { name: 'closure', title: 'Callbacks', measure };

function measure(tell: Tell): Row[] {
  const absent: Absent[] = [];
  const noHeaders = missing('napi');
  const inProcess = [...direct(), ...(noHeaders === undefined ? [bare()] : []), ...making()];
  if (noHeaders !== undefined) absent.push({ ...row('napi', titles.napi, 'call', 'C'), missing: noHeaders });
  const relayed = relays();
  const others = relayed.contenders;
  absent.push(...relayed.absent);
  for (const name of ['node-ffi', 'bun', 'deno'] as const) {
    const measured = (): Record<string, number> => ask(peers[name].runtime, name, library('loop'));
    const why = refusal(peers[name].runtime, measured);
    const take = together(measured);
    const by = peers[name].title;
    for (const [key, id, title] of [
      ['call', name, callbacks[name]],
      ['make', `make-${name}`, `${callbacks[name]}, made and closed`],
    ] as const) {
      if (why === undefined) others.push(contender(id, title, key, () => take(key), by));
      else absent.push({ ...row(id, title, key, by), missing: why });
    }
  }
  const figures = Array.from({ length: blocks }, (_, block) => [
    ...takeTurns(inProcess, { rounds }, (done) => tell((block + done / 2) / blocks)),
    ...takeTurns(others, { rounds: 1, warmUp: 0 }, (done) => tell((block + (1 + done) / 2) / blocks)),
  ]);
  return [...joined(figures), ...absent];
}

const titles = {
  number: 'closure, two pointers as numbers, fiber: true',
  bigint: 'closure, two pointers as bigints, fiber: true',
  int: 'closure, two integers, fiber: true',
  'number-thread': "closure, numbers, on the thread's stack",
  'bigint-thread': "closure, bigints, on the thread's stack",
  koffi: 'koffi callback',
  napi: 'napi_call_function in C',
};

/** Calls from a loop in C, on the JavaScript thread. */
function direct(): Contender[] {
  const loop = symbolAddress('closure_loop', library('loop'));
  const own = nativeFunction('void (void *)', loop, { fiber: true });
  const thread = nativeFunction('void (void *)', loop);
  const rival = koffi.call.bind(undefined, loop, koffi.proto('void (void *)')) as (run: bigint) => void;
  const numbers = { result: 'int', args: ['void *', 'void *'], pointers: 'number' } as const;
  const type = koffi.pointer(koffi.proto('int (intptr_t, intptr_t)'));
  const [number, bigint] = [
    createCallback(numbers, (a, b) => b - a).address,
    createCallback('int (void *, void *)', (a, b) => Number(b - a)).address,
  ];
  return [
    inLoop('number', own, number),
    inLoop('bigint', own, bigint),
    inLoop('number-thread', thread, number),
    inLoop('bigint-thread', thread, bigint),
    inLoop('int', own, createCallback('int (int, int)', (a, b) => b - a).address),
    inLoop('koffi', rival, koffi.address(koffi.register((a: number, b: number) => b - a, type))),
  ];
}

function inLoop(name: keyof typeof titles, call: (run: bigint) => void, address: bigint): Contender {
  const run = runFor(address, calls);
  const at = addressOf(run.words);
  const round = (): number => {
    call(at);
    return checked(name, run);
  };
  const group = name === 'int' ? 'ints' : 'call';
  return contender(name, titles[name], group, round, name === 'koffi' ? 'koffi' : undefined);
}

function bare(): Contender {
  const addon = {
    exports: {} as { run(words: BigUint64Array, compare: (a: number, b: number) => number): void },
  };
  process.dlopen(addon, library('napi'));
  const run = runFor(0n, calls);
  const round = (): number => {
    addon.exports.run(run.words, (a, b) => b - a);
    return checked('napi', run);
  };
  return contender('napi', titles.napi, 'call', round, 'C');
}
