/** The slots and bodies behind trampolines: the one place that tells fast ones from slow ones. */
import type { CodeSource } from '../../codepage/code-page-method.js';
import { emptyShape, type Shape } from '../../core/shape.js';
import type { FreedSlotLink } from '../debug/debug-info.js';
import { registerBlocks, type TableInfo } from '../debug/registry.js';
import type { Mode } from '../options.js';
import { type Bodies, FastBodies, noInvocationChecks } from './bodies.js';
import { FastBlocks } from './fast-blocks.js';
import { Slots } from './slots.js';
import { SlowBlocks } from './slow-blocks.js';
import { SlowBodies } from './slow-bodies.js';

export interface SlotOptions {
  readonly mode: Mode;
  readonly codeSource: CodeSource | undefined;
  readonly isolated: boolean;
}

/** Who the storage is for, as the registry tells it. */
export type RegistryOwner = Omit<TableInfo, 'role'>;

/** What a set of slots or bodies is, with the way to take it off the registry's list. */
export interface Registered<T> {
  readonly value: T;
  readonly unregister: () => void;
}

/** Slots whose one word leads to a body. */
export function createEntrySlots(
  { mode, codeSource, isolated }: SlotOptions,
  owner: RegistryOwner,
): Registered<Slots> {
  const fast = mode === 'fast';
  const slots = new Slots(
    fast ? new FastBlocks({ shape: emptyShape, codeSource, isolated }) : new SlowBlocks(),
  );
  return { value: slots, unregister: registerBlocks(slots, { ...owner, role: fast ? 'entry' : 'slow' }) };
}

/** Fast slots that are whole trampolines of a shape. */
export function createInlineSlots(
  shape: Shape,
  { codeSource, isolated }: SlotOptions,
  owner: RegistryOwner,
): Registered<Slots> {
  const slots = new Slots(new FastBlocks({ shape, codeSource, isolated }));
  return { value: slots, unregister: registerBlocks(slots, { ...owner, role: 'trampoline' }) };
}

/** Bodies of a shape. */
export function createBodies(
  shape: Shape,
  { mode, codeSource, isolated }: SlotOptions,
  owner: RegistryOwner,
): Registered<Bodies> {
  if (mode === 'slow') return { value: new SlowBodies(shape), unregister() {} };
  const bodies = new FastBodies({ shape, codeSource, isolated });
  return { value: bodies, unregister: registerBlocks(bodies.slots, { ...owner, role: 'body' }) };
}

/** How a freed slot is led to a farewell, and where that should trap. */
export function createFreedSlotLink(slots: Slots, mode: Mode): FreedSlotLink {
  if (mode === 'fast') {
    return {
      trapAddressOf: (slot) => slots.loadWord(slot, 0),
      createWord: (target) => target,
      releaseWord() {},
    };
  }
  const jumpBodies = new SlowBodies(emptyShape);
  return {
    // The middle of a slot is nobody's start: the fault there is the program's own.
    trapAddressOf: (slot) => slots.address(slot) + 1n,
    createWord: (target) =>
      jumpBodies.create(new Uint32Array(BigUint64Array.of(target).buffer), noInvocationChecks),
    releaseWord: (word) => jumpBodies.retire(word),
  };
}
