/**
 * What single trampolines of every type have in common: an *entry*, which is what programs call, and the *body* that
 * it leads to. A change makes a new body and replaces the entry's word by one store; see `bodies.ts`.
 */
import type { CodePageMethodName } from '../codepage/method.js';
import { type Shape, shapeKey } from '../trampoline/shape.js';
import type { Block } from './block.js';
import { type Bodies, type Checks, noChecks } from './bodies.js';
import { freedError, Notes } from './notes.js';
import type { CheckedOptions, Mode } from './options.js';
import { newTableNumber } from './registry.js';
import type { SlotNumber, Slots } from './slots.js';
import { openBodies, openEntries, type StorageOptions } from './storage.js';

/** What trampolines of one mode and code page method share. */
interface House {
  readonly storage: StorageOptions;
  readonly entries: Slots;
  readonly notes: Notes;
  readonly bodies: Map<string, Bodies>;
}

const houses = new Map<string, House>();

function houseOf(mode: Mode, method: CodePageMethodName | undefined): House {
  const key = `${mode} ${method ?? ''}`;
  let house = houses.get(key);
  if (house === undefined) {
    const storage = { mode, method, isolated: false };
    const entries = openEntries(storage, { table: newTableNumber(), name: null, shared: true }).kept;
    house = { storage, entries, notes: new Notes(entries, storage), bodies: new Map() };
    houses.set(key, house);
  }
  return house;
}

function bodiesOf({ bodies, storage }: House, shape: Shape): Bodies {
  const key = shapeKey(shape);
  let found = bodies.get(key);
  if (found === undefined) {
    found = openBodies(shape, storage, { table: newTableNumber(), name: null, shared: true }).kept;
    bodies.set(key, found);
  }
  return found;
}

/** What an entry leads to. */
interface Body {
  readonly home: Bodies;
  readonly address: bigint;
}

export class Entry {
  readonly #house: House;
  readonly #slot: SlotNumber;
  readonly #address: bigint;
  readonly #kind: string;
  readonly #name: string | undefined;
  #body: Body | undefined;
  #state: 'open' | 'frozen' | 'freed' = 'open';

  /** A new one, which traps. @param kind what errors call it */
  constructor(kind: string, { mode, method, name }: CheckedOptions) {
    this.#kind = kind;
    this.#name = name;
    this.#house = houseOf(mode, method);
    this.#slot = this.#house.entries.allocate();
    this.#address = this.#house.entries.address(this.#slot);
  }

  get address(): bigint {
    return this.#address;
  }

  /** The block that it lies in, and its place there. */
  get place(): { readonly block: Block; readonly place: number } {
    const { entries } = this.#house;
    return { block: entries.block(this.#slot), place: entries.place(this.#slot) };
  }

  /** Keeps notes of it, if any are wanted. `below` is the function whose callers the stack trace shows. */
  note({ name, debug, perfMap }: CheckedOptions, below: unknown): void {
    if (!debug && !perfMap && name === undefined) return;
    const wanted = { debug, perfMap, listed: name !== undefined };
    this.#house.notes.created(this.#slot, { name: name ?? this.#kind, wanted, below });
  }

  /** From now on invocations run a body of this shape with these data words, in halves. */
  lead(shape: Shape, data: Uint32Array, checks: Checks = noChecks): void {
    const home = bodiesOf(this.#house, shape);
    const body = { home, address: home.make(data, checks) };
    this.#house.entries.store(this.#slot, 0, body.address);
    this.#retire();
    this.#body = body;
  }

  /** From now on an invocation traps. */
  trap(): void {
    this.#house.entries.trap(this.#slot);
    this.#retire();
  }

  freeze(): void {
    this.checkAlive('freeze');
    this.#state = 'frozen';
  }

  /** Frees it, once. `below` as with notes. */
  free(below: unknown): void {
    if (this.#state === 'freed') return;
    this.#state = 'freed';
    const { entries, notes } = this.#house;
    entries.free(this.#slot);
    this.#retire();
    notes.freed(this.#slot, below);
  }

  checkAlive(attempt: string): void {
    if (this.#state === 'freed') throw freedError(attempt, this.#called());
  }

  checkOpen(attempt: string): void {
    this.checkAlive(attempt);
    if (this.#state === 'frozen') throw new TypeError(`Cannot ${attempt}: ${this.#called()} is frozen`);
  }

  #retire(): void {
    this.#body?.home.retire(this.#body.address);
    this.#body = undefined;
  }

  #called(): string {
    const name = this.#name === undefined ? '' : ` "${this.#name}"`;
    return `the ${this.#kind}${name} at 0x${this.#address.toString(16)}`;
  }
}
