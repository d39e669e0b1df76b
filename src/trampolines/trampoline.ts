/** Single trampolines: every context can change, the set of registers included, while others invoke them. */

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
import { limits } from '../core/limits.js';
import { dataLayout, type Shape } from '../core/shape.js';
import { knownOptions as checkNames } from '../core/validate.js';
import { hostMachine } from '../native/host.js';
import { assertExecutable } from './debug/debug-info.js';
import { Entry } from './entry.js';
import { commonOptionNames, type Mode, type TrampolineOptions, validateOptions } from './options.js';
import { countersView, type SlowBlock } from './slots/slow-blocks.js';

export interface CreateTrampolineOptions extends TrampolineOptions {
  /** Registers to load; `pc` is where the trampoline jumps. */
  readonly registers: RegisterValues;
  /** Data to write to the stack at every invocation; none by default. */
  readonly stackData?: StackValues;
  /**
   * The only PCs that this trampoline may go to; at most 16. Checked whenever registers are set, and by slow
   * trampolines at every invocation as well.
   */
  readonly allowedPcs?: readonly bigint[];
  /**
   * Slow trampolines only: the address ranges that callers must lie in, each its first address and the first one
   * behind it; at most 8. A diagnostic, since the return address is the program's to write.
   */
  readonly allowedCallers?: readonly CallerRange[];
}

/**
 * Makes a native function pointer that loads registers and jumps.
 *
 * @example
 * ```ts
 * import { createTrampoline, symbolAddress } from 'trampfd';
 *
 * // memcmp wants a length as third argument; whoever calls this needs not know it.
 * const compare8 = createTrampoline({ registers: { pc: symbolAddress('memcmp'), arg2: 8n } });
 * console.log(`call 0x${compare8.address.toString(16)} with two pointers`);
 * compare8.close();
 * ```
 * @throws TypeError, RangeError for wrong contexts
 * @throws TrampfdError when the system refuses memory or code
 */
export function createTrampoline(options: CreateTrampolineOptions): Trampoline {
  return new Trampoline(options);
}

/**
 * One trampoline; made by {@link createTrampoline}. Its address stays valid until `free`, also when the
 * object itself is forgotten. Every change is one step for other threads that invoke it.
 *
 * Setters throw `TypeError` or `RangeError` for wrong values and after `freeze`, and `TrampfdError` after `free`
 * (`ERR_FREED`) or when there is no memory.
 */
export class Trampoline {
  readonly #entry: Entry;
  readonly #debug: boolean;
  readonly #mode: Mode;
  #registers: RegisterContext | undefined;
  #stackData: StackContext | undefined;
  #allowedPcs: readonly bigint[] | undefined;
  #allowedCallers: readonly CallerRange[] | undefined;
  #initialCounts: [invocations: bigint, refusals: bigint] = [0n, 0n];

  /** @internal */
  constructor(options: CreateTrampolineOptions) {
    const rawOptions = checkNames(options, 'options', [
      ...commonOptionNames,
      'registers',
      'stack',
      'allowedPcs',
      'allowedCallers',
    ]);
    const validated = validateOptions(rawOptions);
    const { mode, debug } = validated;
    this.#mode = mode;
    const registers = parseRegisters(rawOptions.registers, hostMachine().registerFile);
    const stack = parseStack(rawOptions.stack);
    this.#allowedPcs = parseAllowedPcs(rawOptions.allowedPcs);
    this.#allowedCallers = parseCallerRanges(rawOptions.allowedCallers);
    if (mode === 'fast' && this.#allowedCallers !== undefined)
      throw new TypeError(slowOnlyMessage('allowedCallers'));
    this.#debug = debug;
    this.#checkContexts(registers, stack);

    this.#entry = new Entry('trampoline', validated);
    // The place may have been another's before.
    if (mode === 'slow') this.#initialCounts = [...this.#counters()] as [bigint, bigint];
    try {
      this.#activate(registers, stack);
      this.#entry.recordCreation(validated, createTrampoline);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Where to call it. */
  get address(): bigint {
    this.#entry.assertOpen('tell the address');
    return this.#entry.address;
  }

  /** The registers that it loads, by the names they were set by; `undefined` when they were removed. */
  get registers(): RegisterValues | undefined {
    this.#entry.assertOpen('tell the registers');
    return this.#registers?.values;
  }

  /** The stack data that it writes, a copy. */
  get stackData(): Required<StackValues> | undefined {
    this.#entry.assertOpen('tell the stack data');
    if (this.#stackData === undefined) return undefined;
    const { data, offset, setSp } = this.#stackData;
    return { data: data.slice(), offset, setSp };
  }

  /** The PCs that it may be set to; `undefined` when there is no list. */
  get allowedPcs(): readonly bigint[] | undefined {
    this.#entry.assertOpen('tell the allowed PCs');
    return this.#allowedPcs;
  }

  /** The ranges that callers must lie in; `undefined` when there are none. */
  get allowedCallers(): readonly CallerRange[] | undefined {
    this.#entry.assertOpen('tell the allowed callers');
    return this.#allowedCallers;
  }

  /** Replaces all registers. With `null` they are removed, and an invocation traps until they are set again. */
  setRegisters(registers: RegisterValues | null): void {
    const context = registers === null ? undefined : parseRegisters(registers, hostMachine().registerFile);
    // Not before: a getter of the values can free this trampoline.
    this.#entry.assertMutable('set registers');
    this.#applyContexts(context, this.#stackData);
  }

  /** Replaces the stack data. With `null`, or without any bytes, it is removed. */
  setStackData(stackData: StackValues | null): void {
    const context = parseStack(stackData);
    this.#entry.assertMutable('set stack data');
    this.#applyContexts(this.#registers, context);
  }

  /**
   * Replaces the list of allowed PCs; `null` removes it. Registers that stand are not checked again; but a slow
   * trampoline checks at every invocation.
   */
  setAllowedPcs(allowedPcs: readonly bigint[] | null): void {
    const list = parseAllowedPcs(allowedPcs);
    this.#entry.assertMutable('set allowed PCs');
    this.#applyChecks(list, this.#allowedCallers);
  }

  /** Replaces the ranges that callers must lie in, of a slow trampoline; `null` removes them. */
  setAllowedCallers(allowedCallers: readonly CallerRange[] | null): void {
    const ranges = parseCallerRanges(allowedCallers);
    this.#entry.assertMutable('set allowed callers');
    if (this.#mode === 'fast') throw new TypeError(slowOnlyMessage('allowedCallers'));
    this.#applyChecks(this.#allowedPcs, ranges);
  }

  /** How often a slow trampoline was invoked, and how often an invocation was refused. Fast ones do not count. */
  stats(): { readonly invocations: bigint; readonly refusals: bigint } {
    this.#entry.assertOpen('tell the numbers');
    if (this.#mode === 'fast') throw new TypeError(slowOnlyMessage('stats()'));
    const [invocations, refusals] = this.#counters();
    return {
      invocations: invocations! - this.#initialCounts[0],
      refusals: refusals! - this.#initialCounts[1],
    };
  }

  /** Refuses every later change. `free` still works. */
  freeze(): void {
    this.#entry.freeze();
  }

  /** Frees it. Calling its address traps; after all others that are free it is used again. Freeing again does nothing. */
  close(): void {
    this.#entry.close(this.close);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #applyContexts(registers: RegisterContext | undefined, stack: StackContext | undefined): void {
    this.#checkContexts(registers, stack);
    if (registers === undefined) {
      this.#entry.deactivate();
      this.#registers = undefined;
      this.#stackData = stack;
    } else {
      this.#activate(registers, stack);
    }
  }

  #applyChecks(
    allowedPcs: readonly bigint[] | undefined,
    allowedCallers: readonly CallerRange[] | undefined,
  ): void {
    const previous = [this.#allowedPcs, this.#allowedCallers] as const;
    [this.#allowedPcs, this.#allowedCallers] = [allowedPcs, allowedCallers];
    try {
      this.#applyContexts(this.#registers, this.#stackData);
    } catch (error) {
      [this.#allowedPcs, this.#allowedCallers] = previous;
      throw error;
    }
  }

  #checkContexts(registers: RegisterContext | undefined, stack: StackContext | undefined): void {
    if (registers === undefined) return;
    if (this.#mode === 'fast') hostMachine().trampolines.assertShape(shapeOf(registers, stack), 'registers');
    if (registers !== this.#registers) assertAllowedPc(registers.pc, this.#allowedPcs);
    if (this.#debug) assertExecutable(registers.pc, 'registers.pc');
  }

  /** From now on invocations have these contexts. */
  #activate(registers: RegisterContext, stack: StackContext | undefined): void {
    const shape = shapeOf(registers, stack);
    const invocationChecks = { allowedPcs: this.#allowedPcs, allowedCallers: this.#allowedCallers?.flat() };
    this.#entry.activate(shape, encodeData(shape, registers, stack), invocationChecks);
    this.#registers = registers;
    this.#stackData = stack;
  }

  #counters(): BigUint64Array {
    const { block, indexInBlock } = this.#entry.location;
    return countersView(block as SlowBlock, indexInBlock);
  }
}

const slowOnlyMessage = (feature: string): string => `${feature} is for slow trampolines; this one is fast`;

function shapeOf({ assignments }: RegisterContext, stack: StackContext | undefined): Shape {
  return { registers: assignments.map(({ register }) => register), stack };
}

/** Room for the data words of one trampoline, however large. */
const scratchU64 = new BigUint64Array(limits.registers + limits.stackSize / 8);
const scratchU32 = new Uint32Array(scratchU64.buffer);
const scratchU8 = new Uint8Array(scratchU64.buffer);

/** The data words, in halves; to be used before the next are asked for. */
function encodeData(
  shape: Shape,
  { pc, assignments }: RegisterContext,
  stack: StackContext | undefined,
): Uint32Array {
  scratchU64[0] = pc;
  for (let index = 0; index < assignments.length; index++) scratchU64[index + 1] = assignments[index]!.value;
  if (stack !== undefined) {
    const { stackDataOffset, stride } = dataLayout(shape);
    scratchU8.fill(0, stackDataOffset, stride);
    scratchU8.set(stack.data, stackDataOffset);
  }
  return scratchU32;
}
