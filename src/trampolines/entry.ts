/**
 * State shared by all kinds of single trampolines: an *entry*, the slot whose address programs call, and the *body*
 * that its word points to. A change creates a new body and replaces the word by one store; see `bodies.ts`.
 */
import type { CodeSource } from '../codepage/code-page-method.js';
import { inspectLine } from '../core/inspect.js';
import { type Shape, shapeKey } from '../core/shape.js';
import { DebugInfo } from './debug/debug-info.js';
import { nextTableId } from './debug/registry.js';
import { Lifecycle } from './lifecycle.js';
import type { Mode, ValidatedOptions } from './options.js';
import { type Bodies, type InvocationChecks, noInvocationChecks } from './slots/bodies.js';
import { createBodies, createEntrySlots, type SlotOptions } from './slots/slot-factory.js';
import type { SlotNumber, Slots } from './slots/slots.js';

/** State shared by trampolines of one mode and code source. */
interface TrampolinePool {
  readonly slotOptions: SlotOptions;
  readonly entries: Slots;
  readonly debugInfo: DebugInfo;
  readonly bodiesByShape: Map<string, Bodies>;
  /** The last shape whose bodies were looked up, and these: a key takes longer than the rest of a lookup. */
  lastShape: Shape | undefined;
  lastBodies: Bodies | undefined;
}

const fastPools = new Map<CodeSource | undefined, TrampolinePool>();
const slowPools: typeof fastPools = new Map();

function poolFor(mode: Mode, codeSource: CodeSource | undefined): TrampolinePool {
  const pools = mode === 'fast' ? fastPools : slowPools;
  let pool = pools.get(codeSource);
  if (pool === undefined) {
    const slotOptions = { mode, codeSource, isolated: false };
    const entries = createEntrySlots(slotOptions, { table: nextTableId(), name: null, shared: true }).value;
    pool = {
      slotOptions,
      entries,
      debugInfo: new DebugInfo(entries, slotOptions),
      bodiesByShape: new Map(),
      lastShape: undefined,
      lastBodies: undefined,
    };
    pools.set(codeSource, pool);
  }
  return pool;
}

function bodiesFor(pool: TrampolinePool, shape: Shape): Bodies {
  if (shape === pool.lastShape) return pool.lastBodies!;
  const { bodiesByShape, slotOptions } = pool;
  const key = shapeKey(shape);
  let shapeBodies = bodiesByShape.get(key);
  if (shapeBodies === undefined) {
    shapeBodies = createBodies(shape, slotOptions, { table: nextTableId(), name: null, shared: true }).value;
    bodiesByShape.set(key, shapeBodies);
  }
  pool.lastShape = shape;
  pool.lastBodies = shapeBodies;
  return shapeBodies;
}

interface Body {
  readonly owner: Bodies;
  readonly address: bigint;
}

export class Entry {
  readonly address: bigint;
  readonly name: string | undefined;
  readonly lifecycle = new Lifecycle(this);
  readonly #pool: TrampolinePool;
  readonly #slot: SlotNumber;
  readonly #typeName: string;
  #body: Body | undefined;

  /** The new entry traps. @param typeName names the handle in errors */
  constructor(typeName: string, { mode, codeSource, name }: ValidatedOptions) {
    this.#typeName = typeName;
    this.name = name;
    this.#pool = poolFor(mode, codeSource);
    this.#slot = this.#pool.entries.allocate();
    this.address = this.#pool.entries.address(this.#slot);
  }

  /** Returns the invocation counters of a slow entry. They continue those of earlier users of the slot. */
  counters(): readonly [invocations: bigint, refusals: bigint] {
    return this.#pool.entries.counters(this.#slot);
  }

  /** Records debug information as far as the options request it. @param stackStartFn see `DebugInfo` */
  recordCreation({ name, debug, perfMap }: ValidatedOptions, stackStartFn: unknown): void {
    if (!debug && !perfMap && name === undefined) return;
    const debugOptions = { debug, perfMap, listed: name !== undefined };
    this.#pool.debugInfo.recordCreation(this.#slot, {
      name: name ?? this.#typeName,
      debugOptions,
      stackStartFn,
    });
  }

  /** Makes invocations run a body of this shape. @param data its data words */
  activate(shape: Shape, data: BigUint64Array, checks: InvocationChecks = noInvocationChecks): void {
    const owner = bodiesFor(this.#pool, shape);
    const body = { owner, address: owner.create(data, checks) };
    this.#pool.entries.storeWord(this.#slot, 0, body.address);
    this.#retireBody();
    this.#body = body;
  }

  /** Makes invocations trap. */
  deactivate(): void {
    this.#pool.entries.deactivate(this.#slot);
    this.#retireBody();
  }

  freeze(): void {
    this.lifecycle.assertOpen('freeze');
    this.lifecycle.freeze();
  }

  /** @param stackStartFn see `DebugInfo` */
  close(stackStartFn: unknown): void {
    if (!this.lifecycle.close()) return;
    const { entries, debugInfo } = this.#pool;
    entries.free(this.#slot);
    this.#retireBody();
    debugInfo.recordFree(this.#slot, stackStartFn);
  }

  /** Names the handle in errors. */
  describe(): string {
    const quotedName = this.name === undefined ? '' : ` "${this.name}"`;
    return `the ${this.#typeName}${quotedName} at 0x${this.address.toString(16)}`;
  }

  /** Returns the line that `util.inspect` prints. */
  inspect(type: string, fields: Readonly<Record<string, unknown>>): string {
    const { isFrozen, isClosed } = this.lifecycle;
    return inspectLine(type, {
      address: this.address,
      ...fields,
      name: this.name,
      frozen: isFrozen,
      closed: isClosed,
    });
  }

  #retireBody(): void {
    this.#body?.owner.retire(this.#body.address);
    this.#body = undefined;
  }
}
