/** Single trampolines: every context can change, the set of registers included, while others invoke them. */
import { thisMachine } from '../linux/host.js';
import {
  allowedPcList,
  type CallerRange,
  callerRanges,
  checkAllowed,
  type RegisterContext,
  type RegisterValues,
  registerContext,
  type StackContext,
  type StackValues,
  stackContext,
} from '../trampoline/contexts.js';
import { limits } from '../trampoline/limits.js';
import { dataLayout, type Shape } from '../trampoline/shape.js';
import { options as checkNames } from '../trampoline/values.js';
import { Entry } from './entry.js';
import { checkExecutable } from './notes.js';
import { checkedOptions, type Mode, optionNames, type TrampolineOptions } from './options.js';
import { countersOf, type SlowBlock } from './slow-blocks.js';

export interface CreateTrampolineOptions extends TrampolineOptions {
  /** Registers to load; `pc` is where the trampoline jumps. */
  readonly registers: RegisterValues;
  /** Data to write to the stack at every invocation; none by default. */
  readonly stack?: StackValues;
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
 * compare8.free();
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
  #stack: StackContext | undefined;
  #allowedPcs: readonly bigint[] | undefined;
  #allowedCallers: readonly CallerRange[] | undefined;
  #countedBefore: [invocations: bigint, refusals: bigint] = [0n, 0n];

  /** @internal */
  constructor(options: CreateTrampolineOptions) {
    const given = checkNames(options, 'options', [
      ...optionNames,
      'registers',
      'stack',
      'allowedPcs',
      'allowedCallers',
    ]);
    const checked = checkedOptions(given);
    const { mode, debug } = checked;
    this.#mode = mode;
    const registers = registerContext(given.registers, thisMachine().registerFile);
    const stack = stackContext(given.stack);
    this.#allowedPcs = allowedPcList(given.allowedPcs);
    this.#allowedCallers = callerRanges(given.allowedCallers);
    if (mode === 'fast' && this.#allowedCallers !== undefined)
      throw new TypeError(onlySlow('allowedCallers'));
    this.#debug = debug;
    this.#check(registers, stack);

    this.#entry = new Entry('trampoline', checked);
    // The place may have been another's before.
    if (mode === 'slow') this.#countedBefore = [...this.#counters()] as [bigint, bigint];
    try {
      this.#lead(registers, stack);
      this.#entry.note(checked, createTrampoline);
    } catch (error) {
      this.free();
      throw error;
    }
  }

  /** Where to call it. */
  get address(): bigint {
    this.#entry.checkAlive('tell the address');
    return this.#entry.address;
  }

  /** The registers that it loads, by the names they were set by; `undefined` when they were removed. */
  get registers(): RegisterValues | undefined {
    this.#entry.checkAlive('tell the registers');
    return this.#registers?.values;
  }

  /** The stack data that it writes, a copy. */
  get stack(): Required<StackValues> | undefined {
    this.#entry.checkAlive('tell the stack data');
    if (this.#stack === undefined) return undefined;
    const { data, offset, setSp } = this.#stack;
    return { data: data.slice(), offset, setSp };
  }

  /** The PCs that it may be set to; `undefined` when there is no list. */
  get allowedPcs(): readonly bigint[] | undefined {
    this.#entry.checkAlive('tell the allowed PCs');
    return this.#allowedPcs;
  }

  /** The ranges that callers must lie in; `undefined` when there are none. */
  get allowedCallers(): readonly CallerRange[] | undefined {
    this.#entry.checkAlive('tell the allowed callers');
    return this.#allowedCallers;
  }

  /** Replaces all registers. With `null` they are removed, and an invocation traps until they are set again. */
  setRegisters(registers: RegisterValues | null): void {
    const context = registers === null ? undefined : registerContext(registers, thisMachine().registerFile);
    // Not before: a getter of the values can free this trampoline.
    this.#entry.checkOpen('set registers');
    this.#change(context, this.#stack);
  }

  /** Replaces the stack data. With `null`, or without any bytes, it is removed. */
  setStack(stack: StackValues | null): void {
    const context = stackContext(stack);
    this.#entry.checkOpen('set stack data');
    this.#change(this.#registers, context);
  }

  /**
   * Replaces the list of allowed PCs; `null` removes it. Registers that stand are not checked again; but a slow
   * trampoline checks at every invocation.
   */
  setAllowedPcs(allowedPcs: readonly bigint[] | null): void {
    const list = allowedPcList(allowedPcs);
    this.#entry.checkOpen('set allowed PCs');
    this.#changeChecks(list, this.#allowedCallers);
  }

  /** Replaces the ranges that callers must lie in, of a slow trampoline; `null` removes them. */
  setAllowedCallers(allowedCallers: readonly CallerRange[] | null): void {
    const ranges = callerRanges(allowedCallers);
    this.#entry.checkOpen('set allowed callers');
    if (this.#mode === 'fast') throw new TypeError(onlySlow('allowedCallers'));
    this.#changeChecks(this.#allowedPcs, ranges);
  }

  /** How often a slow trampoline was invoked, and how often an invocation was refused. Fast ones do not count. */
  stats(): { readonly invocations: bigint; readonly refusals: bigint } {
    this.#entry.checkAlive('tell the numbers');
    if (this.#mode === 'fast') throw new TypeError(onlySlow('stats()'));
    const [invocations, refusals] = this.#counters();
    return {
      invocations: invocations! - this.#countedBefore[0],
      refusals: refusals! - this.#countedBefore[1],
    };
  }

  /** Refuses every later change. `free` still works. */
  freeze(): void {
    this.#entry.freeze();
  }

  /** Frees it. Calling its address traps; after all others that are free it is used again. Freeing again does nothing. */
  free(): void {
    this.#entry.free(this.free);
  }

  [Symbol.dispose](): void {
    this.free();
  }

  #change(registers: RegisterContext | undefined, stack: StackContext | undefined): void {
    this.#check(registers, stack);
    if (registers === undefined) {
      this.#entry.trap();
      this.#registers = undefined;
      this.#stack = stack;
    } else {
      this.#lead(registers, stack);
    }
  }

  #changeChecks(
    allowedPcs: readonly bigint[] | undefined,
    allowedCallers: readonly CallerRange[] | undefined,
  ): void {
    const before = [this.#allowedPcs, this.#allowedCallers] as const;
    [this.#allowedPcs, this.#allowedCallers] = [allowedPcs, allowedCallers];
    try {
      this.#change(this.#registers, this.#stack);
    } catch (error) {
      [this.#allowedPcs, this.#allowedCallers] = before;
      throw error;
    }
  }

  #check(registers: RegisterContext | undefined, stack: StackContext | undefined): void {
    if (registers === undefined) return;
    if (this.#mode === 'fast') thisMachine().checkShape(shapeOf(registers, stack), 'registers');
    if (registers !== this.#registers) checkAllowed(registers.pc, this.#allowedPcs);
    if (this.#debug) checkExecutable(registers.pc, 'registers.pc');
  }

  /** From now on invocations have these contexts. */
  #lead(registers: RegisterContext, stack: StackContext | undefined): void {
    const shape = shapeOf(registers, stack);
    const checks = { allowedPcs: this.#allowedPcs, allowedCallers: this.#allowedCallers?.flat() };
    this.#entry.lead(shape, stage(shape, registers, stack), checks);
    this.#registers = registers;
    this.#stack = stack;
  }

  #counters(): BigUint64Array {
    const { block, place } = this.#entry.place;
    return countersOf(block as SlowBlock, place);
  }
}

const onlySlow = (what: string): string => `${what} is for slow trampolines; this one is fast`;

function shapeOf({ loads }: RegisterContext, stack: StackContext | undefined): Shape {
  return { registers: loads.map(({ register }) => register), stack };
}

/** Room for the data words of one trampoline, however large. */
const staged = new BigUint64Array(limits.registers + limits.stackSize / 8);
const stagedHalves = new Uint32Array(staged.buffer);
const stagedBytes = new Uint8Array(staged.buffer);

/** The data words, in halves; to be used before the next are asked for. */
function stage(shape: Shape, { pc, loads }: RegisterContext, stack: StackContext | undefined): Uint32Array {
  staged[0] = pc;
  for (let index = 0; index < loads.length; index++) staged[index + 1] = loads[index]!.value;
  if (stack !== undefined) {
    const { stackAt, stride } = dataLayout(shape);
    stagedBytes.fill(0, stackAt, stride);
    stagedBytes.set(stack.data, stackAt);
  }
  return stagedHalves;
}
