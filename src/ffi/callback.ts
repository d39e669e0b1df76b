/** Callbacks: JavaScript functions as native function pointers. */

import { describeType } from '../core/validate.js';
import { validateOptions } from '../trampolines/options.js';
import type { CrossThreadMode } from './callback-block.js';
import { type Callback, CallbackHandle } from './callback-handle.js';
import { findInterface } from './callback-interface-cache.js';
import { createRegistry, threadRegistry } from './callback-registry.js';
import type { Callee } from './callee.js';
import type { PrototypeLike } from './prototype/prototype-like.js';
import type { CallbackFunction, CallbackResult, ParametersOf, ValidPrototype } from './prototype/types.js';

export interface CallbackOptions<S extends PrototypeLike = PrototypeLike> {
  /**
   * The value that C gets if the function throws, or if JavaScript can no longer run (the thread or process is
   * exiting). Default: 0, NULL, or a structure of zeros.
   */
  readonly errorResult?: CallbackResult<S>;
  /**
   * The effect of a call from another thread.
   * - `'block'` (default): the caller waits until the JavaScript thread has run the function, and gets the result.
   * - `'queue'`: the caller continues at once. Only for functions that return void; whatever their pointers and
   *   strings refer to must stay valid until the function has run.
   * - `'reject'`: the caller gets `errorResult` at once, and the process an `uncaughtException`.
   */
  readonly crossThread?: CrossThreadMode;
  /** Whether a call from another thread waits until the promise that the function returns is settled. Default false. */
  readonly awaitResult?: boolean;
  /** The name that debuggers, profilers, `trampfd inspect` and messages show. */
  readonly name?: string;
  /** As for trampolines: names for gdb, and a message if the callback is called after `close`. */
  readonly debug?: boolean;
  /** Whether to list the callback in `/tmp/perf-PID.map`. Default false. */
  readonly perfMap?: boolean;
}

/** The type of a callback's function: with `awaitResult` it may return a promise. */
export type CallbackImplementation<S extends PrototypeLike, Options> = Options extends {
  readonly awaitResult: true;
}
  ? (...args: ParametersOf<S>) => CallbackResult<S> | PromiseLike<CallbackResult<S>>
  : CallbackFunction<S>;

/**
 * Creates a native function pointer that calls a JavaScript function.
 *
 * Callbacks are not garbage-collected, since native code may have stored the address anywhere: close them. Text or
 * memory that the function returns stays valid until it returns again, or until the callback is closed.
 *
 * @example
 * ```ts
 * import { addressOf, createCallback, nativeFunction, symbolAddress } from 'trampfd';
 *
 * const qsort = nativeFunction('void (void *, size_t, size_t, void *)', symbolAddress('qsort'));
 * const numbers = Int32Array.of(30, 10, 20);
 * const start = addressOf(numbers);
 * const compare = createCallback('int (const void *, const void *)', (a, b) => {
 *   return numbers[Number(a - start) / 4] - numbers[Number(b - start) / 4];
 * });
 * qsort(numbers, 3, 4, compare.address);
 * console.log(numbers.join()); // 10,20,30
 * compare.close();
 * ```
 * @throws TypeError, RangeError for a wrong prototype or wrong options
 * @throws TrampfdError if the system refuses memory or code
 */
export function createCallback<
  const S extends PrototypeLike,
  const Options extends CallbackOptions<S> = Record<never, never>,
>(prototype: S & ValidPrototype<S>, fn: CallbackImplementation<S, Options>, options?: Options): Callback;
export function createCallback(prototype: unknown, fn: unknown, options?: CallbackOptions): Callback {
  if (typeof fn !== 'function') throw new TypeError(`fn must be a function, not ${describeType(fn)}`);
  const registry = threadRegistry ?? createRegistry();
  const isCached = options === undefined && prototype === registry.cachedPrototype;
  const callbackInterface = isCached
    ? registry.cachedInterface!
    : findInterface(prototype, options, registry);
  const debugOptions = options === undefined ? undefined : validateDebugOptions(options);
  const { slots } = registry;
  const slot = slots.allocate();
  const serial = registry.created++ >>> 0;
  const callback = new CallbackHandle(callbackInterface, fn as Callee['fn'], slot, serial);
  registry.liveCallbacks[slot] = callback;
  const { addressLo, addressHi } = callbackInterface;
  slots.fillThreeWords(slot, registry.entryLo, registry.entryHi, addressLo, addressHi, slot, serial);
  if (debugOptions !== undefined) callback.recordDebugInfo(debugOptions, createCallback);
  return callback;
}

function validateDebugOptions({ name, debug, perfMap }: CallbackOptions): ReturnType<typeof validateOptions> {
  return validateOptions({ name, debug, perfMap });
}

/**
 * Returns the number of callbacks of this thread. Callbacks that were never closed count as live, so leaks can be found.
 *
 * @example
 * ```ts
 * import { callbackStats, createCallback } from 'trampfd';
 *
 * const answer = createCallback('int (void)', () => 42);
 * answer.close();
 * console.log(callbackStats()); // { live: 0, created: 1, closed: 1 }
 * ```
 */
export function callbackStats(): {
  readonly live: number;
  readonly created: number;
  readonly closed: number;
} {
  const live = threadRegistry?.slots.size ?? 0;
  const created = threadRegistry?.created ?? 0;
  return { live, created, closed: created - live };
}
