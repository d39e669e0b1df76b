/** Closures: JavaScript functions as native function pointers. */
import { thisMachine } from '../linux/host.js';
import { freedError, Notes } from '../local/notes.js';
import { checkedOptions } from '../local/options.js';
import { newTableNumber } from '../local/registry.js';
import type { SlotNumber, Slots } from '../local/slots.js';
import { openInline } from '../local/storage.js';
import { state as layout } from '../machine/glue-layout.js';
import { options as checkNames, flag, oneOf, kind as typeName } from '../trampoline/values.js';
import { type Kind, kindFor, type Threads } from './kinds.js';
import { type Callee, type Runtime, runtime } from './runtime.js';
import { parseSignature, type SignatureLike } from './signature/parse.js';
import type { CheckedSignature, ClosureFunction, ClosureResult, ParametersOf } from './signature/types.js';

export interface ClosureOptions<S extends SignatureLike = SignatureLike> {
  /**
   * What native code gets when JavaScript has no result for it: because the function threw, or cannot be run any
   * more. Default: 0, NULL, or a structure of zeros.
   */
  readonly errorResult?: ClosureResult<S>;
  /**
   * What a call from another thread does. `'wait'` (default): it waits until JavaScript's thread comes to run the
   * function, and gets the result. `'async'`: it goes on at once; for functions without a result, whose pointers and
   * text lead to what stays. `'forbid'`: it gets `errorResult` at once, and the process an `uncaughtException`.
   */
  readonly threads?: Threads;
  /** Whether a call from another thread waits until a promise that the function returns is settled. Default false. */
  readonly await?: boolean;
  /** What debuggers, profilers, `trampfd inspect` and messages call it. */
  readonly name?: string;
  /** As with trampolines: names for gdb, and a freed one that is called says whose it was. */
  readonly debug?: boolean;
  /** Whether to list it in `/tmp/perf-PID.map`. Default false. */
  readonly perfMap?: boolean;
}

const optionNames = ['errorResult', 'threads', 'await', 'name', 'debug', 'perfMap'] as const;

/**
 * Makes a native function pointer of a JavaScript function.
 *
 * @example
 * ```ts
 * import { addressOf, createClosure, nativeFunction, symbolAddress } from 'trampfd';
 *
 * const qsort = nativeFunction('void (void *, size_t, size_t, void *)', symbolAddress('qsort'));
 * const numbers = Int32Array.of(30, 10, 20);
 * const start = addressOf(numbers);
 * const compare = createClosure('int (const void *, const void *)', (a, b) => {
 *   return numbers[Number(a - start) / 4] - numbers[Number(b - start) / 4];
 * });
 * qsort(numbers, 3, 4, compare.address);
 * console.log(numbers.join()); // 10,20,30
 * compare.free();
 * ```
 * The garbage collector frees no closure: an address can be anywhere. What a function returns as text or memory stays
 * valid until it returns again, or is freed.
 * @throws TypeError, RangeError for a wrong signature or wrong options
 * @throws TrampfdError when the system refuses memory or code
 */
export function createClosure<
  const S extends SignatureLike,
  const Options extends ClosureOptions<S> = Record<never, never>,
>(signature: S & CheckedSignature<S>, fn: Callback<S, Options>, options?: Options): Closure;
export function createClosure(signature: unknown, fn: unknown, options?: ClosureOptions): Closure {
  if (typeof fn !== 'function') throw new TypeError(`fn must be a function, not ${typeName(fn)}`);
  const home = opened ?? openHouse();
  const known = options === undefined && signature === home.lastText;
  const kind = known ? home.lastKind! : kindOf(signature, options, home);
  const wanted = options === undefined ? undefined : notesWanted(options);
  const { slots } = home;
  const slot = slots.allocate();
  const serial = home.created++ >>> 0;
  const made = new Closure(kind, fn as Callee['run'], slot, serial);
  home.live[slot] = made;
  // What `Slots.fill` does, but short enough for V8 to put it into its callers.
  const { halves } = slots.block(slot);
  const at = slotHalves * slots.place(slot);
  halves[at + 2] = kind.low;
  halves[at + 3] = kind.high;
  halves[at + 4] = slot;
  halves[at + 5] = serial;
  // From here on it can be called.
  halves[at + 1] = home.entryHigh;
  halves[at] = home.entryLow;
  if (wanted !== undefined) made.note(wanted, createClosure);
  return made;
}

/** The function of a closure: it may return a promise where another thread waits for that. */
export type Callback<S extends SignatureLike, Options> = Options extends { readonly await: true }
  ? (...args: ParametersOf<S>) => ClosureResult<S> | PromiseLike<ClosureResult<S>>
  : ClosureFunction<S>;

/**
 * How many closures there are on this thread. Those that were never freed are live: leaks can be counted.
 *
 * @example
 * ```ts
 * import { closureStats, createClosure } from 'trampfd';
 *
 * const answer = createClosure('int (void)', () => 42);
 * answer.free();
 * console.log(closureStats()); // { live: 0, created: 1, freed: 1 }
 * ```
 */
export function closureStats(): { readonly live: number; readonly created: number; readonly freed: number } {
  const live = opened?.slots.size ?? 0;
  const created = opened?.created ?? 0;
  return { live, created, freed: created - live };
}

/** The data of a closure, in halves of words: where it leads, its kind, its place and its serial number. */
const slotHalves = 6;

/** The closures of this thread. */
interface House {
  readonly runtime: Runtime;
  readonly slots: Slots;
  readonly notes: Notes;
  readonly live: Runtime['live'];
  /** Where closures lead to, in halves. */
  readonly entryLow: number;
  readonly entryHigh: number;
  /** Kinds of closures without options, by the text of their signature; and the last that was looked for. */
  readonly plain: Map<string, Kind>;
  lastText: unknown;
  /** The kind of `lastText`, as soon as that is a text. */
  lastKind: Kind | undefined;
  created: number;
  /** How many keep the event loop alive. */
  held: number;
}

let opened: House | undefined;

function openHouse(): House {
  const { kind, id } = thisMachine().closureRegisters;
  const shape = { registers: [kind, id], stack: undefined };
  const storage = { mode: 'fast', method: undefined, isolated: false } as const;
  const owner = { table: newTableNumber(), name: 'closures', shared: true };
  const started = runtime();
  const { kept: slots } = openInline(shape, storage, owner);
  opened = {
    runtime: started,
    slots,
    notes: new Notes(slots, storage),
    live: started.live,
    entryLow: Number(started.closureEntry & 0xffff_ffffn),
    entryHigh: Number(started.closureEntry >> 32n),
    plain: new Map(),
    lastText: Symbol(), // no signature
    lastKind: undefined,
    created: 0,
    held: 0,
  };
  return opened;
}

/** What most closures do not have. */
interface More {
  name: string | undefined;
  /** Whether tools know of it. */
  noted: boolean;
  /** Whether it keeps the event loop alive. */
  holds: boolean;
}

/**
 * A JavaScript function that native code can call; made by {@link createClosure}. Its address stays valid until
 * `free`, also when this object is forgotten.
 */
export class Closure implements Callee {
  /** @internal */ readonly kind: Kind;
  /** @internal */ readonly run: Callee['run'];
  /** @internal */ readonly serial: number;
  /** @internal */ kept: unknown;
  /** -1 when it is freed. */
  #slot: SlotNumber;
  #more: More | undefined;

  /** @internal As short as it is so that V8 puts it where closures are made. */
  constructor(kind: Kind, run: Callee['run'], slot: SlotNumber, serial: number) {
    this.kind = kind;
    this.run = run;
    this.#slot = slot;
    this.serial = serial;
  }

  /** @internal Lets tools know of it, as far as that is wanted; frees it when that is refused. */
  note({ name, debug, perfMap }: ReturnType<typeof notesWanted>, below: unknown): void {
    if (!debug && !perfMap && name === undefined) return;
    const more = this.#rest();
    more.name = name;
    more.noted = true;
    const wanted = { debug, perfMap, listed: name !== undefined };
    try {
      opened!.notes.created(this.#slot, { name: name ?? 'closure', wanted, below });
    } catch (error) {
      this.free();
      throw error;
    }
  }

  /** Where native code calls it. */
  get address(): bigint {
    this.#checkAlive('tell the address');
    return opened!.slots.address(this.#slot);
  }

  /** Keeps the event loop alive until `unref` or `free`, for calls from other threads. */
  ref(): this {
    this.#checkAlive('hold the event loop');
    const more = this.#rest();
    if (!more.holds) hold(1);
    more.holds = true;
    return this;
  }

  /** Lets the event loop end although other threads may call. So it is from the start. */
  unref(): this {
    if (this.#more?.holds) {
      hold(-1);
      this.#more.holds = false;
    }
    return this;
  }

  /** Frees it, also while it runs. Calling its address traps; after all others that are free it is used again. */
  free(): void {
    const slot = this.#slot;
    if (slot < 0) return;
    this.#slot = -1;
    const { slots, live } = opened!;
    slots.free(slot);
    live[slot] = undefined;
    if (this.#more === undefined) return;
    this.unref();
    if (this.#more.noted) opened!.notes.freed(slot, this.free);
  }

  [Symbol.dispose](): void {
    this.free();
  }

  /** @internal */
  describe(): string {
    const { text } = this.kind.signature;
    const name = this.#more?.name;
    return name === undefined ? `the closure ${text}` : `the closure "${name}" (${text})`;
  }

  #rest(): More {
    this.#more ??= { name: undefined, noted: false, holds: false };
    return this.#more;
  }

  #checkAlive(attempt: string): void {
    if (this.#slot < 0) throw freedError(attempt, this.describe());
  }
}

function kindOf(signature: unknown, options: ClosureOptions | undefined, home: House): Kind {
  if (options !== undefined) return parsedKind(signature, options, home.runtime);
  if (typeof signature !== 'string') return parsedKind(signature, {}, home.runtime);
  const kind = home.plain.get(signature) ?? parsedKind(signature, {}, home.runtime);
  home.plain.set(signature, kind);
  home.lastText = signature;
  home.lastKind = kind;
  return kind;
}

function parsedKind(signature: unknown, given: ClosureOptions, tools: Runtime): Kind {
  const { errorResult, threads, await: awaits } = checkNames(given, 'options', optionNames);
  const checked = {
    threads: oneOf(threads, 'threads', ['wait', 'async', 'forbid']),
    awaits: flag(awaits, 'await'),
    errorResult,
  };
  const parsed = parseSignature(signature, thisMachine().cPlatform);
  if (checked.threads === 'async' && parsed.result.kind !== 'void') {
    throw new TypeError("threads: 'async' is for functions without a result: nobody waits for one");
  }
  if (checked.awaits && checked.threads !== 'wait') {
    throw new TypeError("await is for threads that wait: it needs threads: 'wait'");
  }
  return kindFor(parsed, checked, tools);
}

function notesWanted({ name, debug, perfMap }: ClosureOptions): ReturnType<typeof checkedOptions> {
  return checkedOptions({ name, debug, perfMap });
}

/** Counts who keeps the event loop alive. */
function hold(change: 1 | -1): void {
  const home = opened!;
  const before = home.held;
  home.held += change;
  if (before !== 0 && home.held !== 0) return;
  home.runtime.state.u32[layout.request / 4] = home.held;
  home.runtime.functions.hold();
}
