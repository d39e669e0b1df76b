/**
 * What single trampolines of every type have in common: an *entry*, which is what programs call, and the *body* that
 * it leads to. A change makes a new body and replaces the entry's word by one store; see `bodies.ts`.
 */
import type { CodeSource } from '../codepage/code-page-method.js';
import { type Shape, shapeKey } from '../core/shape.js';
import { DebugInfo, freedError } from './debug/debug-info.js';
import { nextTableId } from './debug/registry.js';
import type { Mode, ValidatedOptions } from './options.js';
import type { Block } from './slots/block.js';
import { type Bodies, type InvocationChecks, noInvocationChecks } from './slots/bodies.js';
import { createBodies, createEntrySlots, type SlotOptions } from './slots/slot-factory.js';
import type { SlotNumber, Slots } from './slots/slots.js';

/** What trampolines of one mode and code page method share. */
interface TrampolinePool {
  readonly slotOptions: SlotOptions;
  readonly entries: Slots;
  readonly debugInfo: DebugInfo;
  readonly bodiesByShape: Map<string, Bodies>;
}

const pools = new Map<string, TrampolinePool>();

function poolFor(mode: Mode, codeSource: CodeSource | undefined): TrampolinePool {
  const key = `${mode} ${codeSource ?? ''}`;
  let pool = pools.get(key);
  if (pool === undefined) {
    const slotOptions = { mode, codeSource, isolated: false };
    const entries = createEntrySlots(slotOptions, { table: nextTableId(), name: null, shared: true }).value;
    pool = { slotOptions, entries, debugInfo: new DebugInfo(entries, slotOptions), bodiesByShape: new Map() };
    pools.set(key, pool);
  }
  return pool;
}

function bodiesFor({ bodiesByShape, slotOptions }: TrampolinePool, shape: Shape): Bodies {
  const key = shapeKey(shape);
  let shapeBodies = bodiesByShape.get(key);
  if (shapeBodies === undefined) {
    shapeBodies = createBodies(shape, slotOptions, { table: nextTableId(), name: null, shared: true }).value;
    bodiesByShape.set(key, shapeBodies);
  }
  return shapeBodies;
}

/** What an entry leads to. */
interface Body {
  readonly owner: Bodies;
  readonly address: bigint;
}

export class Entry {
  readonly #pool: TrampolinePool;
  readonly #slot: SlotNumber;
  readonly #address: bigint;
  readonly #typeName: string;
  readonly #name: string | undefined;
  #body: Body | undefined;
  #state: 'open' | 'frozen' | 'freed' = 'open';

  /** A new one, which traps. @param typeName what errors call it */
  constructor(typeName: string, { mode, codeSource, name }: ValidatedOptions) {
    this.#typeName = typeName;
    this.#name = name;
    this.#pool = poolFor(mode, codeSource);
    this.#slot = this.#pool.entries.allocate();
    this.#address = this.#pool.entries.address(this.#slot);
  }

  get address(): bigint {
    return this.#address;
  }

  /** The block that it lies in, and its place there. */
  get location(): { readonly block: Block; readonly indexInBlock: number } {
    const { entries } = this.#pool;
    return { block: entries.block(this.#slot), indexInBlock: entries.indexInBlock(this.#slot) };
  }

  /** Keeps notes of it, if any are wanted. `below` is the function whose callers the stack trace shows. */
  recordCreation({ name, debug, perfMap }: ValidatedOptions, stackStartFn: unknown): void {
    if (!debug && !perfMap && name === undefined) return;
    const debugOptions = { debug, perfMap, listed: name !== undefined };
    this.#pool.debugInfo.recordCreation(this.#slot, {
      name: name ?? this.#typeName,
      debugOptions,
      stackStartFn,
    });
  }

  /** From now on invocations run a body of this shape with these data words, in halves. */
  activate(shape: Shape, data: Uint32Array, checks: InvocationChecks = noInvocationChecks): void {
    const owner = bodiesFor(this.#pool, shape);
    const body = { owner, address: owner.create(data, checks) };
    this.#pool.entries.storeWord(this.#slot, 0, body.address);
    this.#retireBody();
    this.#body = body;
  }

  /** From now on an invocation traps. */
  deactivate(): void {
    this.#pool.entries.deactivate(this.#slot);
    this.#retireBody();
  }

  freeze(): void {
    this.assertOpen('freeze');
    this.#state = 'frozen';
  }

  /** Frees it, once. `below` as with notes. */
  close(stackStartFn: unknown): void {
    if (this.#state === 'freed') return;
    this.#state = 'freed';
    const { entries, debugInfo } = this.#pool;
    entries.free(this.#slot);
    this.#retireBody();
    debugInfo.recordFree(this.#slot, stackStartFn);
  }

  assertOpen(attempt: string): void {
    if (this.#state === 'freed') throw freedError(attempt, this.#describe());
  }

  assertMutable(attempt: string): void {
    this.assertOpen(attempt);
    if (this.#state === 'frozen') throw new TypeError(`Cannot ${attempt}: ${this.#describe()} is frozen`);
  }

  #retireBody(): void {
    this.#body?.owner.retire(this.#body.address);
    this.#body = undefined;
  }

  #describe(): string {
    const quotedName = this.#name === undefined ? '' : ` "${this.#name}"`;
    return `the ${this.#typeName}${quotedName} at 0x${this.#address.toString(16)}`;
  }
}
