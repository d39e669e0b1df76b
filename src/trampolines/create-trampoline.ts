/** Single trampolines: every context can change while other threads invoke them, even the set of registers. */
import {
  assertAllowedPc,
  type CallerRange,
  parseAllowedPcs,
  parseCallerRanges,
  parseRegisters,
  parseStack,
  type RegisterContext,
  type RegisterValues,
  type StackContext,
  type StackValues,
} from '../core/contexts.js';
import { inspectSymbol } from '../core/inspect.js';
import { knownOptions, plainObject } from '../core/validate.js';
import { hostMachine } from '../native/host.js';
import { assertExecutable } from './debug/assert-executable.js';
import { encodeContexts, shapeOf } from './encode-contexts.js';
import { Entry } from './entry.js';
import { isClosed } from './lifecycle.js';
import { commonOptionNames, type Mode, validateOptions } from './options.js';
import type { CreateTrampolineOptions, Trampoline, TrampolineUpdate } from './trampoline.js';

/**
 * Creates a native function pointer that loads registers and jumps.
 *
 * @example
 * ```ts
 * import { createTrampoline, symbolAddress } from 'trampfd';
 *
 * // memcmp takes a length as third argument; callers of this trampoline pass two pointers.
 * const compare8 = createTrampoline({ registers: { pc: symbolAddress('memcmp'), arg2: 8n } });
 * console.log(`call 0x${compare8.address.toString(16)} with two pointers`);
 * compare8.close();
 * ```
 * @throws TypeError, RangeError for wrong options
 * @throws TrampfdError if the system refuses memory or code
 */
export function createTrampoline(options: CreateTrampolineOptions): Trampoline {
  return new TrampolineHandle(options);
}

const contextNames = ['registers', 'stackData', 'allowedPcs', 'allowedCallers'] as const;
const optionNames = [...commonOptionNames, ...contextNames];

/** The validated contexts of a trampoline. An update replaces the whole object. */
interface Contexts {
  readonly registers: RegisterContext | undefined;
  readonly stackData: StackContext | undefined;
  readonly allowedPcs: readonly bigint[] | undefined;
  readonly allowedCallers: readonly CallerRange[] | undefined;
}

const noCounts = [0n, 0n] as const;

const noContexts: Contexts = {
  registers: undefined,
  stackData: undefined,
  allowedPcs: undefined,
  allowedCallers: undefined,
};

type RawContexts = { readonly [Name in keyof Contexts]?: unknown };

/** Checks each context. `null` and `undefined` are none. */
function parseContexts({ registers, stackData, allowedPcs, allowedCallers }: RawContexts): Contexts {
  return {
    registers: registers === undefined || registers === null ? undefined : parse(registers),
    stackData: parseStack(stackData, 'stackData'),
    allowedPcs: parseAllowedPcs(allowedPcs),
    allowedCallers: parseCallerRanges(allowedCallers),
  };
}

const parse = (registers: unknown): RegisterContext => parseRegisters(registers, hostMachine().registerFile);

class TrampolineHandle implements Trampoline {
  readonly #entry: Entry;
  readonly #debug: boolean;
  readonly mode: Mode;
  #contexts: Contexts = noContexts;
  /** Counter values at creation: the slot may have been used before. */
  #initialCounts: readonly [invocations: bigint, refusals: bigint] = noCounts;

  constructor(options: CreateTrampolineOptions) {
    const rawOptions = knownOptions(options, 'options', optionNames);
    const validated = validateOptions(rawOptions);
    this.mode = validated.mode;
    this.#debug = validated.debug;
    const { registers, stackData, allowedPcs, allowedCallers } = rawOptions;
    // Required here; an update can remove them.
    if (registers === undefined || registers === null) parse(registers);
    const contexts = parseContexts({ registers, stackData, allowedPcs, allowedCallers });
    this.#assertUsable(contexts);

    this.#entry = new Entry('trampoline', validated);
    try {
      if (this.mode === 'slow') this.#initialCounts = this.#entry.counters();
      this.#apply(contexts);
      this.#entry.recordCreation(validated, createTrampoline);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get address(): bigint {
    return this.#entry.address;
  }

  get name(): string | undefined {
    return this.#entry.name;
  }

  get registers(): RegisterValues | undefined {
    return this.#contexts.registers?.values;
  }

  get stackData(): Required<StackValues> | undefined {
    if (this.#contexts.stackData === undefined) return undefined;
    const { data, offset, setSp } = this.#contexts.stackData;
    return { data: data.slice(), offset, setSp };
  }

  get allowedPcs(): readonly bigint[] | undefined {
    return this.#contexts.allowedPcs;
  }

  get allowedCallers(): readonly CallerRange[] | undefined {
    return this.#contexts.allowedCallers;
  }

  update(changes: TrampolineUpdate): void {
    const raw = knownOptions(plainObject(changes, 'changes'), 'changes', contextNames);
    const { registers, stackData, allowedPcs, allowedCallers } = raw;
    const parsed = parseContexts({ registers, stackData, allowedPcs, allowedCallers });
    // Only now: a getter of the values can close, freeze or update this trampoline.
    this.#entry.lifecycle.assertMutable('update');
    const current = this.#contexts;
    const contexts = {
      registers: registers === undefined ? current.registers : parsed.registers,
      stackData: stackData === undefined ? current.stackData : parsed.stackData,
      allowedPcs: allowedPcs === undefined ? current.allowedPcs : parsed.allowedPcs,
      allowedCallers: allowedCallers === undefined ? current.allowedCallers : parsed.allowedCallers,
    };
    this.#assertUsable(contexts);
    this.#apply(contexts);
  }

  stats(): { readonly invocations: bigint; readonly refusals: bigint } {
    this.#entry.lifecycle.assertOpen('read the counters of');
    if (this.mode === 'fast') throw new TypeError(slowOnlyMessage('stats()'));
    const [invocations, refusals] = this.#entry.counters();
    return {
      invocations: invocations - this.#initialCounts[0],
      refusals: refusals - this.#initialCounts[1],
    };
  }

  freeze(): void {
    this.#entry.freeze();
  }

  close(): void {
    this.#entry.close(this.close);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get [isClosed](): boolean {
    return this.#entry.lifecycle.isClosed;
  }

  [inspectSymbol](): string {
    return this.#entry.inspect('Trampoline', { mode: this.mode });
  }

  /** Checks contexts together. */
  #assertUsable({ registers, stackData, allowedPcs, allowedCallers }: Contexts): void {
    if (this.mode === 'fast' && allowedCallers !== undefined) {
      throw new TypeError(slowOnlyMessage('allowedCallers'));
    }
    if (registers === undefined) return;
    if (this.mode === 'fast')
      hostMachine().trampolines.assertShape(shapeOf(registers, stackData), 'registers');
    if (registers !== this.#contexts.registers) assertAllowedPc(registers.pc, allowedPcs);
    if (this.#debug) assertExecutable(registers.pc, 'registers.pc');
  }

  /** Makes invocations use these contexts, by one store. */
  #apply(contexts: Contexts): void {
    const { registers, stackData, allowedPcs, allowedCallers } = contexts;
    if (registers === undefined) {
      this.#entry.deactivate();
    } else {
      const shape = shapeOf(registers, stackData);
      const checks = { allowedPcs, allowedCallers: allowedCallers?.flat() };
      this.#entry.activate(shape, encodeContexts(shape, registers, stackData), checks);
    }
    this.#contexts = contexts;
  }
}

const slowOnlyMessage = (feature: string): string => `${feature} is for slow trampolines; this one is fast`;
