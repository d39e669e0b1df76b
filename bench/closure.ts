/** What calls between C and JavaScript cost, beside other FFI libraries and runtimes. */
import koffi from 'koffi';
import { addressOf, createClosure, nativeFunction, symbolAddress } from 'trampfd';
import {
  type Absent,
  type Contender,
  prove,
  type Row,
  type Subject,
  type Tell,
  takeTurns,
  together,
} from './harness.js';
import { library, missing, Run } from './native.js';
import { ask, missingRuntime, peers } from './peers.js';

const calls = 20_000;
const makes = 5000;
/** In-process contenders are quick; a round of the others is a process each. */
const rounds = 201;
const processRounds = 9;
const relayedCalls = 2000;

/** An address that nobody reads: comparators get it, and another a little behind. */
const base = 0x10000n;

export const closure: Subject = { name: 'closure', title: 'Callbacks', measure };

function measure(tell: Tell): Row[] {
  const absent: Absent[] = [];
  const noHeaders = missing('napi');
  const inProcess = [...direct(), ...(noHeaders === undefined ? [bare()] : []), ...making()];
  if (noHeaders !== undefined) absent.push({ ...row('napi', titles.napi, 'call', 'C'), missing: noHeaders });
  const figures = takeTurns(inProcess, { rounds }, (done) => tell(done / 2));

  const others: Contender[] = [relayed('own'), relayed('koffi')];
  for (const name of ['node-ffi', 'bun', 'deno'] as const) {
    const why = missingRuntime(peers[name].runtime);
    const take = together(() => ask(peers[name].runtime, name, library('loop')));
    const by = peers[name].title;
    for (const [key, id, title] of [
      ['call', name, callbacks[name]],
      ['make', `make-${name}`, `${callbacks[name]}, made and closed`],
    ] as const) {
      if (why === undefined) others.push(contender(id, title, key, () => take(key), by));
      else absent.push({ ...row(id, title, key, by), missing: why });
    }
  }
  figures.push(...takeTurns(others, { rounds: processRounds, warmUp: 0 }, (done) => tell((1 + done) / 2)));
  return [...figures, ...absent];
}

const callbacks = {
  'node-ffi': 'node:ffi callback',
  bun: 'Bun JSCallback',
  deno: 'Deno UnsafeCallback',
} as const;

const groups = {
  call: 'C calls JavaScript: two pointers, an integer back',
  ints: 'C calls JavaScript: two integers, an integer back',
  relayed: 'C calls JavaScript from another thread',
  make: 'Make a callback and free it',
} as const;
type Group = keyof typeof groups;

const titles = {
  number: "closure, two pointers as numbers, stack: 'own'",
  bigint: "closure, two pointers as bigints, stack: 'own'",
  int: "closure, two integers, stack: 'own'",
  'number-thread': "closure, numbers, on the thread's stack",
  'bigint-thread': "closure, bigints, on the thread's stack",
  koffi: 'koffi callback',
  napi: 'napi_call_function in C',
};

/** Calls from a loop in C, on the JavaScript thread. */
function direct(): Contender[] {
  const loop = symbolAddress('closure_loop', library('loop'));
  const own = nativeFunction('void (void *)', loop, { stack: 'own' });
  const thread = nativeFunction('void (void *)', loop);
  const rival = koffi.call.bind(undefined, loop, koffi.proto('void (void *)')) as (run: bigint) => void;
  const numbers = { result: 'int', args: ['void *', 'void *'], pointers: 'number' } as const;
  const type = koffi.pointer(koffi.proto('int (intptr_t, intptr_t)'));
  const [number, bigint] = [
    createClosure(numbers, (a, b) => b - a).address,
    createClosure('int (void *, void *)', (a, b) => Number(b - a)).address,
  ];
  return [
    inLoop('number', own, number),
    inLoop('bigint', own, bigint),
    inLoop('number-thread', thread, number),
    inLoop('bigint-thread', thread, bigint),
    inLoop('int', own, createClosure('int (int, int)', (a, b) => b - a).address),
    inLoop('koffi', rival, koffi.address(koffi.register((a: number, b: number) => b - a, type))),
  ];
}

function inLoop(name: keyof typeof titles, call: (run: bigint) => void, address: bigint): Contender {
  const run = new Run({ call: address, second: base, count: calls });
  const at = addressOf(run.words);
  const round = (): number => {
    call(at);
    return checked(name, run);
  };
  const group = name === 'int' ? 'ints' : 'call';
  return contender(name, titles[name], group, round, name === 'koffi' ? 'koffi' : undefined);
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
  const round = (): number => {
    addon.exports.run(run.words, (a, b) => b - a);
    return checked('napi', run);
  };
  return contender('napi', titles.napi, 'call', round, 'C');
}

function making(): Contender[] {
  const compare = (a: number, b: number): number => a - b;
  const type = koffi.pointer(koffi.proto('int (int, int)'));
  const from = (name: string, title: string, makeAndFree: () => boolean, by?: string): Contender => {
    const round = (): number => {
      let made = 0;
      const start = process.hrtime.bigint();
      for (let index = 0; index < makes; index++) if (makeAndFree()) made++;
      const time = Number(process.hrtime.bigint() - start) / makes;
      prove(title, made, makes);
      return time;
    };
    return contender(name, title, 'make', round, by);
  };
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
      'koffi',
    ),
  ];
}

/** From another thread, which waits for each. */
function relayed(which: 'own' | 'koffi'): Contender {
  const title = which === 'own' ? 'closure' : 'koffi callback';
  const round = (): number => ask('node', 'relayed', library('loop'), String(relayedCalls))[which]!;
  return which === 'own'
    ? contender('relayed', title, 'relayed', round)
    : contender('relayed-koffi', title, 'relayed', round, 'koffi');
}

function contender(name: string, title: string, group: Group, round: () => number, by?: string): Contender {
  return { ...row(name, title, group, by), unit: 'ns', round };
}

function row(name: string, title: string, group: Group, by?: string): Omit<Contender, 'unit' | 'round'> {
  const named = { id: `closure.${name}`, title, group: groups[group] };
  return by === undefined ? named : { ...named, by };
}
