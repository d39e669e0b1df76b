/** Single trampolines: every context can change, the set of registers included, while others invoke them. */
import type { CodePageMethodName } from '../codepage/method.js';
import { thisMachine } from '../linux/host.js';
import {
  allowedPcList,
  checkAllowed,
  type RegisterContext,
  type RegisterValues,
  registerContext,
  type StackContext,
  type StackValues,
  stackContext,
} from '../trampoline/contexts.js';
import { dataLayout, emptyShape, type Shape, shapeKey } from '../trampoline/shape.js';
import { options as checkNames } from '../trampoline/values.js';
import { Bodies } from './bodies.js';
import { checkExecutable, freedError, Notes, type Wanted } from './notes.js';
import { checkedOptions, optionNames, type TrampolineOptions } from './options.js';
import { newTableNumber, registerBlocks } from './registry.js';
import { type SlotNumber, Slots } from './slots.js';

export interface CreateTrampolineOptions extends TrampolineOptions {
  /** Registers to load; `pc` is where the trampoline jumps. */
  readonly registers: RegisterValues;
  readonly stack?: StackValues;
  /** The only PCs that this trampoline may be set to; at most 16. Checked whenever registers are set. */
  readonly allowedPcs?: readonly bigint[];
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

/** What the trampolines of one code page method share. */
interface House {
  readonly entries: Slots;
  readonly notes: Notes;
  readonly bodies: Map<string, Bodies>;
}

const houses = new Map<CodePageMethodName | undefined, House>();

function houseOf(method: CodePageMethodName | undefined): House {
  let house = houses.get(method);
  if (house === undefined) {
    const entries = new Slots({ shape: emptyShape, method, isolated: false });
    registerBlocks(entries, { table: newTableNumber(), name: null, role: 'entry', shared: true });
    house = { entries, notes: new Notes(entries), bodies: new Map() };
    houses.set(method, house);
  }
  return house;
}

function bodiesOf({ bodies, entries }: House, shape: Shape): Bodies {
  const key = shapeKey(shape);
  let found = bodies.get(key);
  if (found === undefined) {
    found = new Bodies({ ...entries.options, shape });
    registerBlocks(found.slots, { table: newTableNumber(), name: null, role: 'body', shared: true });
    bodies.set(key, found);
  }
  return found;
}

/** What an entry leads to. */
interface Body {
  readonly home: Bodies;
  readonly address: bigint;
}

/**
 * One trampoline; made by {@link createTrampoline}. Its address stays valid until `free`, also when the
 * object itself is forgotten. Every change is one step for other threads that invoke it.
 */
export class Trampoline {
  readonly #house: House;
  readonly #slot: SlotNumber;
  readonly #address: bigint;
  readonly #name: string | undefined;
  readonly #debug: boolean;
  #registers: RegisterContext | undefined;
  #stack: StackContext | undefined;
  #allowedPcs: readonly bigint[] | undefined;
  #body: Body | undefined;
  #state: 'open' | 'frozen' | 'freed' = 'open';

  /** @internal */
  constructor(options: CreateTrampolineOptions) {
    const given = checkNames(options, 'options', [...optionNames, 'registers', 'stack', 'allowedPcs']);
    const { method, name, debug, perfMap } = checkedOptions(given);
    const registers = registerContext(given.registers, thisMachine().registerFile);
    const stack = stackContext(given.stack);
    this.#allowedPcs = allowedPcList(given.allowedPcs);
    this.#name = name;
    this.#debug = debug;
    this.#check(registers, stack);

    this.#house = houseOf(method);
    this.#house.entries.ensure(1);
    const body = this.#makeBody(registers, stack);
    this.#slot = this.#house.entries.allocate();
    this.#address = this.#house.entries.address(this.#slot);
    this.#select(body, registers, stack);
    const wanted: Wanted = { debug, perfMap, listed: name !== undefined };
    if (!debug && !perfMap && name === undefined) return;
    try {
      this.#house.notes.created(this.#slot, { name: name ?? 'trampoline', wanted, below: createTrampoline });
    } catch (error) {
      this.free();
      throw error;
    }
  }

  /** Where to call it. */
  get address(): bigint {
    this.#checkAlive('tell the address');
    return this.#address;
  }

  /** The registers that it loads, by the names they were set by; `undefined` when they were removed. */
  get registers(): RegisterValues | undefined {
    this.#checkAlive('tell the registers');
    return this.#registers?.values;
  }

  /** The stack data that it writes, a copy. */
  get stack(): Required<StackValues> | undefined {
    this.#checkAlive('tell the stack data');
    if (this.#stack === undefined) return undefined;
    const { data, offset, setSp } = this.#stack;
    return { data: data.slice(), offset, setSp };
  }

  /** The PCs that it may be set to; `undefined` when there is no list. */
  get allowedPcs(): readonly bigint[] | undefined {
    this.#checkAlive('tell the allowed PCs');
    return this.#allowedPcs;
  }

  /** Replaces all registers. With `null` they are removed, and an invocation traps until they are set again. */
  setRegisters(registers: RegisterValues | null): void {
    const context = registers === null ? undefined : registerContext(registers, thisMachine().registerFile);
    // Not before: a getter of the values can free this trampoline.
    this.#checkOpen('set registers');
    this.#change(context, this.#stack);
  }

  /** Replaces the stack data. With `null`, or without any bytes, it is removed. */
  setStack(stack: StackValues | null): void {
    const context = stackContext(stack);
    this.#checkOpen('set stack data');
    this.#change(this.#registers, context);
  }

  /** Replaces the list of allowed PCs; `null` removes it. Registers that stand are not checked again. */
  setAllowedPcs(allowedPcs: readonly bigint[] | null): void {
    const list = allowedPcList(allowedPcs);
    this.#checkOpen('set allowed PCs');
    this.#allowedPcs = list;
  }

  /** Refuses every later change. `free` still works. */
  freeze(): void {
    this.#checkAlive('freeze');
    this.#state = 'frozen';
  }

  /** Frees it. Calling its address traps; after all others that are free it is used again. Freeing again does nothing. */
  free(): void {
    if (this.#state === 'freed') return;
    this.#state = 'freed';
    const { entries, notes } = this.#house;
    entries.free(this.#slot);
    this.#retire();
    notes.freed(this.#slot, this.free);
  }

  [Symbol.dispose](): void {
    this.free();
  }

  #change(registers: RegisterContext | undefined, stack: StackContext | undefined): void {
    this.#check(registers, stack);
    const { entries } = this.#house;
    if (registers === undefined) {
      entries.trap(this.#slot);
      this.#retire();
      this.#registers = undefined;
      this.#stack = stack;
    } else {
      this.#select(this.#makeBody(registers, stack), registers, stack);
    }
  }

  #check(registers: RegisterContext | undefined, stack: StackContext | undefined): void {
    if (registers === undefined) return;
    thisMachine().checkShape(shapeOf(registers, stack), 'registers');
    if (registers !== this.#registers) checkAllowed(registers.pc, this.#allowedPcs);
    if (this.#debug) checkExecutable(registers.pc, 'registers.pc');
  }

  #makeBody(registers: RegisterContext, stack: StackContext | undefined): Body {
    const shape = shapeOf(registers, stack);
    const home = bodiesOf(this.#house, shape);
    return { home, address: home.make(dataOf(shape, registers, stack)) };
  }

  /** From now on invocations run this body. */
  #select(body: Body, registers: RegisterContext, stack: StackContext | undefined): void {
    this.#house.entries.store(this.#slot, 0, body.address);
    this.#retire();
    this.#body = body;
    this.#registers = registers;
    this.#stack = stack;
  }

  #retire(): void {
    this.#body?.home.retire(this.#body.address);
    this.#body = undefined;
  }

  #checkAlive(attempt: string): void {
    if (this.#state === 'freed') throw freedError(attempt, this.#called());
  }

  #checkOpen(attempt: string): void {
    this.#checkAlive(attempt);
    if (this.#state === 'frozen') throw new TypeError(`Cannot ${attempt}: ${this.#called()} is frozen`);
  }

  #called(): string {
    const where = `at 0x${this.#address.toString(16)}`;
    return this.#name === undefined ? `the trampoline ${where}` : `the trampoline "${this.#name}" ${where}`;
  }
}

function shapeOf({ loads }: RegisterContext, stack: StackContext | undefined): Shape {
  return { registers: loads.map(({ register }) => register), stack };
}

function dataOf(shape: Shape, { pc, loads }: RegisterContext, stack: StackContext | undefined): Uint32Array {
  const { words, stackAt } = dataLayout(shape);
  const data = new BigUint64Array(words);
  data.set([pc, ...loads.map(({ value }) => value)]);
  if (stack !== undefined) new Uint8Array(data.buffer).set(stack.data, stackAt);
  return new Uint32Array(data.buffer);
}
