/**
 * Functions for fast calls: V8's optimised code calls C without Node-API, as <v8-fast-api-calls.h> describes. V8 passes a
 * receiver first, so the address that it calls is a trampoline to the glue, which removes it and continues with the
 * function.
 */

import { splitU64 } from '../core/bits.js';
import { compile } from '../core/compile.js';
import { TrampfdError } from '../core/errors.js';
import { state as stateLayout } from '../machine/glue-layout.js';
import { dlsym } from '../native/dl.js';
import { addressOfBytes, memoryAt } from '../native/memory-view.js';
import { threadStack } from '../native/thread-stack.js';
import { type FastTarget, unsupported, v8Interface } from '../native/v8-function.js';
import { isDebugDefault } from '../trampolines/options.js';
import type { SlotNumber } from '../trampolines/slots/slots.js';
import { createGlueSlots } from './glue-slots.js';
import { runtime } from './runtime.js';
import { resultsOffset } from './value-locations.js';

/** The types of a fast call. */
export interface FastSignature extends Omit<FastTarget, 'address'> {
  /** Whether the result is stored in the state, as the first result in a register. The call then returns 1. */
  readonly toMemory: boolean;
}

export interface FastFunction {
  /** Returns `undefined`, and does not call C, unless V8 has optimised its caller. */
  readonly call: (...args: unknown[]) => unknown;
}

export interface FastCalls {
  /** Whether 64-bit arguments can be bigints. */
  readonly hasBigInts: boolean;
  create(signature: FastSignature, target: bigint): FastFunction;
  /** Allows to reuse a function when `owner`, the only function that calls it, has been collected as garbage. */
  release(fastFunction: FastFunction, owner: object): void;
}

/** V8 never releases such functions, so they are reused for functions with the same signature. */
interface PooledFunction extends FastFunction {
  readonly slot: SlotNumber;
  readonly pool: PooledFunction[];
}

let instance: FastCalls | undefined;
let isOpened = false;

/** Returns how to make fast calls; `undefined` if this process cannot make any: debug mode tells why. */
export function fastCalls(): FastCalls | undefined {
  if (!isOpened) {
    isOpened = true;
    try {
      instance = openFastCalls();
    } catch (error) {
      const reason =
        error instanceof EvalError
          ? unsupported(`Node may not compile JavaScript from text: ${error.message}`)
          : error;
      if (!(reason instanceof TrampfdError)) throw error;
      if (isDebugDefault()) process.emitWarning(reason);
    }
  }
  return instance;
}

function openFastCalls(): FastCalls {
  const { createFunction, hasBigInts } = v8Interface();
  if (!('WebAssembly' in globalThis))
    throw unsupported('V8 compiles no code, since Node runs with --jitless');
  const { addressOf } = runtime();
  const slots = createGlueSlots('fast calls');
  const pools = new Map<string, PooledFunction[]>();
  const collected = new FinalizationRegistry<PooledFunction>((unused) => unused.pool.push(unused));
  const emptyCallback = addressOf('emptyCallback');

  function create(signature: FastSignature, target: bigint): PooledFunction {
    const key = JSON.stringify(signature);
    let pool = pools.get(key);
    if (pool === undefined) {
      pool = [];
      pools.set(key, pool);
    }
    const pooled = pool.pop() ?? createPooled(signature, pool);
    const entry = splitU64(addressOf(signature.toMemory ? 'fastCallToMemory' : 'fastCall'));
    const { low, high } = splitU64(target);
    slots.fillThreeWords(pooled.slot, entry.low, entry.high, low, high, 0, 0);
    return pooled;
  }

  function createPooled({ toMemory, ...types }: FastSignature, pool: PooledFunction[]): PooledFunction {
    const slot = slots.allocate();
    const result = toMemory ? 'int32' : types.result;
    const call = createFunction(emptyCallback, { ...types, result, address: slots.address(slot) });
    return { call: call as FastFunction['call'], slot, pool };
  }

  const release: FastCalls['release'] = (fastFunction, owner) =>
    collected.register(owner, fastFunction as PooledFunction);
  const opened = { hasBigInts, create, release };
  testFastCalls(opened);
  return opened;
}

/** Bytes of V8's data of a thread that begin with what its compiled code uses. */
const isolateBytes = 4096;
/** V8 compiles a loop after some ten thousand iterations, on another thread. */
const maxTestCalls = 2 ** 22;

/**
 * Makes fast calls, and checks their arguments and results. One copies V8's data of this thread, to find the word in it
 * that is not 0 during a fast call: the frame pointer of the caller, for profilers.
 */
function testFastCalls({ create }: FastCalls): void {
  const { isolate } = v8Interface();
  const { state } = runtime();
  const copy = new BigUint64Array(isolateBytes / 8);
  const destination = addressOfBytes(copy);
  const symbol = (name: string): bigint => {
    const address = dlsym(name);
    if (address === undefined) throw unsupported(`the C library has no function ${name}`);
    return address;
  };
  const integers = { result: 'int32', args: ['int64', 'int64', 'int64'], toMemory: true } as const;
  const memcpy = create(integers, symbol('memcpy'));
  const mixed = { result: 'float64', args: ['float64', 'int32'], toMemory: false } as const;
  const ldexp = create(mixed, symbol('ldexp'));
  const run = compile(
    ['memcpy', 'ldexp', 'to', 'from'],
    `for (let call = 0; call < ${maxTestCalls}; call++) {
      const copied = memcpy(to, from, ${isolateBytes});
      const scaled = ldexp(1.5, 3);
      if (copied !== undefined && scaled !== undefined) return [copied, scaled];
    }`,
  ) as (...args: unknown[]) => readonly [number, number] | undefined;
  const results = run(memcpy.call, ldexp.call, Number(destination), Number(isolate));
  if (results === undefined) throw unsupported('V8 does not optimise code');
  const returned = state.u64[resultsOffset / 8];
  if (results[0] !== 1 || returned !== destination || results[1] !== 12)
    throw unsupported(`a test returned ${results.join(', ')} and ${returned}`);
  const { low, high } = threadStack();
  const now = new BigUint64Array(memoryAt(isolate, isolateBytes));
  const markers = [...copy.keys()].filter(
    (index) => copy[index]! >= low && copy[index]! < high && now[index] === 0n,
  );
  if (markers.length !== 1) throw unsupported('V8 does not tell when a fast call is in progress');
  state.u64[stateLayout.fastCallMarker / 8] = isolate + BigInt(8 * markers[0]!);
}
