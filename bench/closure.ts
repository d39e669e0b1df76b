/** What calls between C and JavaScript cost, beside other FFI libraries and runtimes. */
import koffi from 'koffi';
import { addressOf, createClosure, nativeFunction, symbolAddress } from '#src/index.js';
import {
  type Absent,
  type Contender,
  prove,
  type Row,
  type Subject,
  type Tell,
  takeTurns,
} from './harness.js';
import { hasNodeHeaders, library, Run } from './native.js';
import { peerNames, peers, providePeer, runHere, runPeer } from './peers.js';

const calls = 20_000;
const makes = 5000;
/** In-process contenders are quick; a round of the others is a process each. */
const rounds = 201;
const processRounds = 9;
const relayedCalls = 2000;

/** An address that nobody reads: comparators get it, and another a little behind. */
const base = 0x10000n;

export const closure: Subject = { name: 'closure', title: 'Calls between C and JavaScript', measure };

function measure(tell: Tell): Row[] {
  const absent: Absent[] = [];
  const inProcess = [...direct(), ...(hasNodeHeaders() ? [bare()] : []), ...natives(), ...making()];
  if (!hasNodeHeaders()) absent.push({ id: 'closure.napi', title: titles.napi, missing: 'needs node_api.h' });
  const figures = takeTurns(inProcess, { rounds }, (done) => tell(done / 2));

  const others: Contender[] = [relayed('own'), relayed('koffi')];
  for (const name of peerNames) {
    const missing = providePeer(name);
    const { title } = peers[name];
    if (missing === undefined) others.push(...peer(name));
    else
      absent.push({ id: `closure.${name}`, title, missing }, { id: `closure.make-${name}`, title, missing });
  }
  figures.push(...takeTurns([million()], { rounds: 3, warmUp: 0 }, () => {}));
  figures.push(...takeTurns(others, { rounds: processRounds, warmUp: 0 }, (done) => tell((1 + done) / 2)));
  return [...figures, ...absent];
}

const titles = {
  number: 'closure, two pointers as numbers',
  bigint: 'closure, two pointers as bigints',
  int: 'closure, two integers',
  koffi: 'koffi callback',
  napi: 'napi_call_function in C',
};

/** Calls from a loop in C, on the JavaScript thread. */
function direct(): Contender[] {
  const loop = symbolAddress('closure_loop', library('loop'));
  const own = nativeFunction('void (void *)', loop);
  const rival = koffi.call.bind(undefined, loop, koffi.proto('void (void *)')) as (run: bigint) => void;
  const numbers = { result: 'int', args: ['void *', 'void *'], pointers: 'number' } as const;
  const type = koffi.pointer(koffi.proto('int (intptr_t, intptr_t)'));
  return [
    inLoop('number', own, createClosure(numbers, (a, b) => b - a).address),
    inLoop('bigint', own, createClosure('int (void *, void *)', (a, b) => Number(b - a)).address),
    inLoop('int', own, createClosure('int (int, int)', (a, b) => b - a).address),
    inLoop('koffi', rival, koffi.address(koffi.register((a: number, b: number) => b - a, type))),
  ];
}

function inLoop(name: keyof typeof titles, call: (run: bigint) => void, address: bigint): Contender {
  const run = new Run({ call: address, second: base, count: calls });
  const at = addressOf(run.words);
  return contender(name, titles[name], () => {
    call(at);
    return checked(name, run);
  });
}

function checked(what: string, run: Run): number {
  let sum = 0;
  for (let index = 0; index < calls; index++) sum += 3 + (index & 7);
  prove(what, run.sum, BigInt(sum));
  run.words[4] = 0n;
  return run.nanoseconds / calls;
}

function bare(): Contender {
  const addon = {
    exports: {} as { run(words: BigUint64Array, compare: (a: number, b: number) => number): void },
  };
  process.dlopen(addon, library('napi'));
  const run = new Run({ second: base, count: calls });
  return contender('napi', titles.napi, () => {
    addon.exports.run(run.words, (a, b) => b - a);
    return checked('napi', run);
  });
}

/** A native function with two scalar arguments, from a loop in JavaScript. */
function natives(): Contender[] {
  const address = symbolAddress('add_numbers', library('loop'));
  const own = nativeFunction('int (int, int)', address);
  const rival = koffi.load(library('loop')).func('int add_numbers(int, int)') as typeof own;
  const from = (name: string, title: string, add: typeof own): Contender =>
    contender(name, title, () => {
      let sum = 0;
      const start = process.hrtime.bigint();
      for (let index = 0; index < calls; index++) sum += add(index, 1);
      const time = Number(process.hrtime.bigint() - start) / calls;
      prove(title, sum, (calls * (calls + 1)) / 2);
      return time;
    });
  return [from('native', 'nativeFunction', own), from('native-koffi', 'koffi function', rival)];
}

function making(): Contender[] {
  const compare = (a: number, b: number): number => a - b;
  const type = koffi.pointer(koffi.proto('int (int, int)'));
  const from = (name: string, title: string, makeAndFree: () => boolean): Contender =>
    contender(name, title, () => {
      let made = 0;
      const start = process.hrtime.bigint();
      for (let index = 0; index < makes; index++) if (makeAndFree()) made++;
      const time = Number(process.hrtime.bigint() - start) / makes;
      prove(title, made, makes);
      return time;
    });
  return [
    from('make', 'createClosure + free', () => {
      const made = createClosure('int (int, int)', compare);
      made.free();
      return true;
    }),
    from(
      'make-koffi',
      'koffi register + unregister',
      () => koffi.unregister(koffi.register(compare, type)) !== null,
    ),
  ];
}

/** A million at once: each is made, some are called, all are freed. */
function million(): Contender {
  const count = 1_000_000;
  const title = 'a million closures, made one by one';
  return { id: 'closure.million', title, unit: 'ms', round };

  function round(): number {
    const start = process.hrtime.bigint();
    const made = Array.from({ length: count }, (_, index) =>
      createClosure('int (int)', (value) => value + index),
    );
    const time = Number(process.hrtime.bigint() - start) / 1e6;
    for (let index = 0; index < count; index += 1009) {
      prove(title, nativeFunction('int (int)', made[index]!.address)(1), index + 1);
    }
    for (const closure of made) closure.free();
    return time;
  }
}

/** One process measures both, in turns. */
function relayed(which: 'own' | 'koffi'): Contender {
  const title = which === 'own' ? 'closure, from another thread' : 'koffi callback, from another thread';
  return contender(`relayed${which === 'own' ? '' : '-koffi'}`, title, () => {
    const args = [library('loop'), String(relayedCalls)];
    return (runHere('relayed', args) as Record<'own' | 'koffi', number>)[which];
  });
}

/** One process for both of its rows. */
function peer(name: (typeof peerNames)[number]): Contender[] {
  const { title } = peers[name];
  let last: ReturnType<typeof runPeer> | undefined;
  const take = (key: 'call' | 'make') => () => {
    const got = last ?? runPeer(name, library('loop'));
    last = last === undefined ? got : undefined;
    return got[key];
  };
  return [
    contender(name, title, take('call')),
    contender(`make-${name}`, `${title}: make + close`, take('make')),
  ];
}

function contender(name: string, title: string, round: () => number): Contender {
  return { id: `closure.${name}`, title, unit: 'ns', round };
}
