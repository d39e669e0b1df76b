/** Closures: JavaScript functions as native function pointers. */

import { describeType, knownOptions, oneOf, optionalBoolean } from '../core/validate.js';
import { state as stateLayout } from '../machine/glue-layout.js';
import { hostMachine } from '../native/host.js';
import { DebugInfo, freedError } from '../trampolines/debug/debug-info.js';
import { nextTableId } from '../trampolines/debug/registry.js';
import { validateOptions } from '../trampolines/options.js';
import { createInlineSlots } from '../trampolines/slots/slot-factory.js';
import type { SlotNumber, Slots } from '../trampolines/slots/slots.js';
import { type CallbackInterface, type CrossThreadMode, interfaceFor } from './callback-interface.js';
import { type PrototypeLike, parsePrototype } from './prototype/parse.js';
import type { CallbackFunction, CallbackResult, ParametersOf, ValidPrototype } from './prototype/types.js';
import { type Callee, type Runtime, runtime } from './runtime.js';

export interface CallbackOptions<S extends PrototypeLike = PrototypeLike> {
  /**
   * What native code gets when JavaScript has no result for it: because the function threw, or cannot be run any
   * more. Default: 0, NULL, or a structure of zeros.
   */
  readonly errorResult?: CallbackResult<S>;
  /**
   * What a call from another thread does. `'block'` (default): it waits until JavaScript's thread comes to run the
   * function, and gets the result. `'queue'`: it goes on at once; for functions without a result, whose pointers and
   * text lead to what stays. `'reject'`: it gets `errorResult` at once, and the process an `uncaughtException`.
   */
  readonly crossThread?: CrossThreadMode;
  /** Whether a call from another thread waits until a promise that the function returns is settled. Default false. */
  readonly awaitResult?: boolean;
  /** What debuggers, profilers, `trampfd inspect` and messages call it. */
  readonly name?: string;
  /** As with trampolines: names for gdb, and a freed one that is called says whose it was. */
  readonly debug?: boolean;
  /** Whether to list it in `/tmp/perf-PID.map`. Default false. */
  readonly perfMap?: boolean;
}

const optionNames = ['errorResult', 'crossThread', 'awaitResult', 'name', 'debug', 'perfMap'] as const;

/**
 * Makes a native function pointer of a JavaScript function.
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
 * The garbage collector frees no closure: an address can be anywhere. What a function returns as text or memory stays
 * valid until it returns again, or is freed.
 * @throws TypeError, RangeError for a wrong signature or wrong options
 * @throws TrampfdError when the system refuses memory or code
 */
export function createCallback<
  const S extends PrototypeLike,
  const Options extends CallbackOptions<S> = Record<never, never>,
>(
  prototype: S & ValidPrototype<S>,
  fn: CallbackImplementation<S, Options>,
  options?: Options,
): CallbackHandle;
export function createCallback(prototype: unknown, fn: unknown, options?: CallbackOptions): CallbackHandle {
  if (typeof fn !== 'function') throw new TypeError(`fn must be a function, not ${describeType(fn)}`);
  const registry = threadRegistry ?? createRegistry();
  const isCached = options === undefined && prototype === registry.cachedPrototype;
  const callbackInterface = isCached
    ? registry.cachedInterface!
    : lookUpInterface(prototype, options, registry);
  const debugOptions = options === undefined ? undefined : validateDebugOptions(options);
  const { slots } = registry;
  const slot = slots.allocate();
  const serial = registry.created++ >>> 0;
  const callback = new CallbackHandle(callbackInterface, fn as Callee['fn'], slot, serial);
  registry.liveCallbacks[slot] = callback;
  // What `Slots.fill` does, but short enough for V8 to put it into its callers.
  const { u32 } = slots.block(slot);
  const firstWord = slotWords32 * slots.indexInBlock(slot);
  u32[firstWord + 2] = callbackInterface.addressLo;
  u32[firstWord + 3] = callbackInterface.addressHi;
  u32[firstWord + 4] = slot;
  u32[firstWord + 5] = serial;
  // From here on it can be called.
  u32[firstWord + 1] = registry.entryHi;
  u32[firstWord] = registry.entryLo;
  if (debugOptions !== undefined) callback.recordDebugInfo(debugOptions, createCallback);
  return callback;
}

/** The function of a closure: it may return a promise where another thread waits for that. */
export type CallbackImplementation<S extends PrototypeLike, Options> = Options extends {
  readonly awaitResult: true;
}
  ? (...args: ParametersOf<S>) => CallbackResult<S> | PromiseLike<CallbackResult<S>>
  : CallbackFunction<S>;

/**
 * How many closures there are on this thread. Those that were never freed are live: leaks can be counted.
 *
 * @example
 * ```ts
 * import { callbackStats, createCallback } from 'trampfd';
 *
 * const answer = createCallback('int (void)', () => 42);
 * answer.close();
 * console.log(callbackStats()); // { live: 0, created: 1, freed: 1 }
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

/** The data of a closure, in halves of words: where it leads, its kind, its place and its serial number. */
const slotWords32 = 6;

/** The closures of this thread. */
interface CallbackRegistry {
  readonly runtime: Runtime;
  readonly slots: Slots;
  readonly debugInfo: DebugInfo;
  readonly liveCallbacks: Runtime['liveCallbacks'];
  /** Where closures lead to, in halves. */
  readonly entryLo: number;
  readonly entryHi: number;
  /** Kinds of closures without options, by the text of their signature; and the last that was looked for. */
  readonly interfacesByPrototype: Map<string, CallbackInterface>;
  cachedPrototype: unknown;
  /** The kind of `lastText`, as soon as that is a text. */
  cachedInterface: CallbackInterface | undefined;
  created: number;
  /** How many keep the event loop alive. */
  refCount: number;
}

let threadRegistry: CallbackRegistry | undefined;

function createRegistry(): CallbackRegistry {
  const { callbackInterface, id } = hostMachine().ffi.callbackRegisters;
  const shape = { registers: [callbackInterface, id], stack: undefined };
  const storage = { mode: 'fast', codeSource: undefined, isolated: false } as const;
  const owner = { table: nextTableId(), name: 'closures', shared: true };
  const threadRuntime = runtime();
  const { value: slots } = createInlineSlots(shape, storage, owner);
  threadRegistry = {
    runtime: threadRuntime,
    slots,
    debugInfo: new DebugInfo(slots, storage),
    liveCallbacks: threadRuntime.liveCallbacks,
    entryLo: Number(threadRuntime.callbackEntry & 0xffff_ffffn),
    entryHi: Number(threadRuntime.callbackEntry >> 32n),
    interfacesByPrototype: new Map(),
    cachedPrototype: Symbol(), // no signature
    cachedInterface: undefined,
    created: 0,
    refCount: 0,
  };
  return threadRegistry;
}

/** What most closures do not have. */
interface OptionalState {
  name: string | undefined;
  /** Whether tools know of it. */
  hasDebugInfo: boolean;
  /** Whether it keeps the event loop alive. */
  isRef: boolean;
}

/**
 * A JavaScript function that native code can call; made by {@link createCallback}. Its address stays valid until
 * `free`, also when this object is forgotten.
 */
export class CallbackHandle implements Callee {
  /** @internal */ readonly callbackInterface: CallbackInterface;
  /** @internal */ readonly fn: Callee['fn'];
  /** @internal */ readonly serial: number;
  /** @internal */ retainedResult: unknown;
  /** -1 when it is freed. */
  #slot: SlotNumber;
  #optional: OptionalState | undefined;

  /** @internal As short as it is so that V8 puts it where closures are made. */
  constructor(callbackInterface: CallbackInterface, fn: Callee['fn'], slot: SlotNumber, serial: number) {
    this.callbackInterface = callbackInterface;
    this.fn = fn;
    this.#slot = slot;
    this.serial = serial;
  }

  /** @internal Lets tools know of it, as far as that is wanted; frees it when that is refused. */
  recordDebugInfo(
    { name, debug, perfMap }: ReturnType<typeof validateDebugOptions>,
    stackStartFn: unknown,
  ): void {
    if (!debug && !perfMap && name === undefined) return;
    const optional = this.#ensureOptional();
    optional.name = name;
    optional.hasDebugInfo = true;
    const debugOptions = { debug, perfMap, listed: name !== undefined };
    try {
      threadRegistry!.debugInfo.recordCreation(this.#slot, {
        name: name ?? 'closure',
        debugOptions,
        stackStartFn,
      });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Where native code calls it. */
  get address(): bigint {
    this.#assertOpen('tell the address');
    return threadRegistry!.slots.address(this.#slot);
  }

  /** Keeps the event loop alive until `unref` or `free`, for calls from other threads. */
  ref(): this {
    this.#assertOpen('hold the event loop');
    const optional = this.#ensureOptional();
    if (!optional.isRef) updateRefCount(1);
    optional.isRef = true;
    return this;
  }

  /** Lets the event loop end although other threads may call. So it is from the start. */
  unref(): this {
    if (this.#optional?.isRef) {
      updateRefCount(-1);
      this.#optional.isRef = false;
    }
    return this;
  }

  /** Frees it, also while it runs. Calling its address traps; after all others that are free it is used again. */
  close(): void {
    const slot = this.#slot;
    if (slot < 0) return;
    this.#slot = -1;
    const { slots, liveCallbacks } = threadRegistry!;
    slots.free(slot);
    liveCallbacks[slot] = undefined;
    if (this.#optional === undefined) return;
    this.unref();
    if (this.#optional.hasDebugInfo) threadRegistry!.debugInfo.recordFree(slot, this.close);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  describe(): string {
    const { text } = this.callbackInterface.signature;
    const name = this.#optional?.name;
    return name === undefined ? `the closure ${text}` : `the closure "${name}" (${text})`;
  }

  #ensureOptional(): OptionalState {
    this.#optional ??= { name: undefined, hasDebugInfo: false, isRef: false };
    return this.#optional;
  }

  #assertOpen(attempt: string): void {
    if (this.#slot < 0) throw freedError(attempt, this.describe());
  }
}

function lookUpInterface(
  prototype: unknown,
  options: CallbackOptions | undefined,
  registry: CallbackRegistry,
): CallbackInterface {
  if (options !== undefined) return parseInterface(prototype, options, registry.runtime);
  if (typeof prototype !== 'string') return parseInterface(prototype, {}, registry.runtime);
  const callbackInterface =
    registry.interfacesByPrototype.get(prototype) ?? parseInterface(prototype, {}, registry.runtime);
  registry.interfacesByPrototype.set(prototype, callbackInterface);
  registry.cachedPrototype = prototype;
  registry.cachedInterface = callbackInterface;
  return callbackInterface;
}

function parseInterface(
  prototype: unknown,
  options: CallbackOptions,
  threadRuntime: Runtime,
): CallbackInterface {
  const { errorResult, crossThread, awaitResult } = knownOptions(options, 'options', optionNames);
  const interfaceOptions = {
    crossThread: oneOf(crossThread, 'crossThread', ['block', 'queue', 'reject']),
    awaitResult: optionalBoolean(awaitResult, 'awaitResult'),
    errorResult,
  };
  const signature = parsePrototype(prototype, hostMachine().ffi.cPlatform);
  if (interfaceOptions.crossThread === 'queue' && signature.result.kind !== 'void') {
    throw new TypeError("crossThread: 'queue' requires a function that returns void");
  }
  if (interfaceOptions.awaitResult && interfaceOptions.crossThread !== 'block') {
    throw new TypeError("awaitResult requires crossThread: 'block'");
  }
  return interfaceFor(signature, interfaceOptions, threadRuntime);
}

function validateDebugOptions({ name, debug, perfMap }: CallbackOptions): ReturnType<typeof validateOptions> {
  return validateOptions({ name, debug, perfMap });
}

/** Counts who keeps the event loop alive. */
function updateRefCount(delta: 1 | -1): void {
  const registry = threadRegistry!;
  const previous = registry.refCount;
  registry.refCount += delta;
  if (previous !== 0 && registry.refCount !== 0) return;
  registry.runtime.state.u32[stateLayout.pendingRequest / 4] = registry.refCount;
  registry.runtime.functions.setRef();
}
