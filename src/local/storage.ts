/** The slots and bodies behind trampolines: the one place that tells fast ones from slow ones. */
import type { CodePageMethodName } from '../codepage/method.js';
import { emptyShape, type Shape } from '../trampoline/shape.js';
import { type Bodies, FastBodies, noChecks } from './bodies.js';
import { FastBlocks } from './fast-blocks.js';
import type { FarewellLink } from './notes.js';
import type { Mode } from './options.js';
import { registerBlocks, type TableEntry } from './registry.js';
import { Slots } from './slots.js';
import { SlowBlocks } from './slow-blocks.js';
import { SlowBodies } from './slow-bodies.js';

export interface StorageOptions {
  readonly mode: Mode;
  readonly method: CodePageMethodName | undefined;
  readonly isolated: boolean;
}

/** Who the storage is for, as the registry tells it. */
export type Owner = Omit<TableEntry, 'role'>;

/** What a set of slots or bodies is, with the way to take it off the registry's list. */
export interface Listed<Kind> {
  readonly kept: Kind;
  readonly unregister: () => void;
}

/** Slots whose one word leads to a body. */
export function openEntries({ mode, method, isolated }: StorageOptions, owner: Owner): Listed<Slots> {
  const fast = mode === 'fast';
  const slots = new Slots(fast ? new FastBlocks({ shape: emptyShape, method, isolated }) : new SlowBlocks());
  return { kept: slots, unregister: registerBlocks(slots, { ...owner, role: fast ? 'entry' : 'slow' }) };
}

/** Fast slots that are whole trampolines of a shape. */
export function openInline(shape: Shape, { method, isolated }: StorageOptions, owner: Owner): Listed<Slots> {
  const slots = new Slots(new FastBlocks({ shape, method, isolated }));
  return { kept: slots, unregister: registerBlocks(slots, { ...owner, role: 'trampoline' }) };
}

/** Bodies of a shape. */
export function openBodies(
  shape: Shape,
  { mode, method, isolated }: StorageOptions,
  owner: Owner,
): Listed<Bodies> {
  if (mode === 'slow') return { kept: new SlowBodies(shape), unregister() {} };
  const bodies = new FastBodies({ shape, method, isolated });
  return { kept: bodies, unregister: registerBlocks(bodies.slots, { ...owner, role: 'body' }) };
}

/** How a freed slot is led to a farewell, and where that should trap. */
export function farewellLink(slots: Slots, mode: Mode): FarewellLink {
  if (mode === 'fast') {
    return { trapOf: (slot) => slots.load(slot, 0), wordFor: (target) => target, drop() {} };
  }
  const jumps = new SlowBodies(emptyShape);
  return {
    // The middle of a slot is nobody's start: the fault there is the program's own.
    trapOf: (slot) => slots.address(slot) + 1n,
    wordFor: (target) => jumps.make(new Uint32Array(BigUint64Array.of(target).buffer), noChecks),
    drop: (word) => jumps.retire(word),
  };
}
