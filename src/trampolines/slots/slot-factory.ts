/** Creates slots and bodies for fast or slow trampolines, and registers their blocks. */
import type { CodeSource } from '../../codepage/code-page-method.js';
import { emptyShape, type Shape } from '../../core/shape.js';
import { registerBlocks, type TableInfo } from '../debug/registry.js';
import type { Mode } from '../options.js';
import { type Bodies, FastBodies } from './bodies.js';
import { FastBlocks } from './fast-blocks.js';
import { Slots } from './slots.js';
import { SlowBlocks } from './slow-blocks.js';
import { SlowBodies } from './slow-bodies.js';

export interface SlotOptions {
  readonly mode: Mode;
  readonly codeSource: CodeSource | undefined;
  readonly isolated: boolean;
}

/** Properties that the registry records about slots, besides their role. */
export type RegistryOwner = Omit<TableInfo, 'role'>;

/** A value together with the function that removes it from the registry. */
export interface Registered<T> {
  readonly value: T;
  readonly unregister: () => void;
}

/** Creates slots whose only word points to a body. */
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

/** Creates fast slots that are complete trampolines of a shape. */
export function createInlineSlots(
  shape: Shape,
  { codeSource, isolated }: SlotOptions,
  owner: RegistryOwner,
): Registered<Slots> {
  const slots = new Slots(new FastBlocks({ shape, codeSource, isolated }));
  return { value: slots, unregister: registerBlocks(slots, { ...owner, role: 'trampoline' }) };
}

/** Creates bodies of a shape. */
export function createBodies(
  shape: Shape,
  { mode, codeSource, isolated }: SlotOptions,
  owner: RegistryOwner,
): Registered<Bodies> {
  if (mode === 'slow') return { value: new SlowBodies(shape), unregister() {} };
  const bodies = new FastBodies({ shape, codeSource, isolated });
  return { value: bodies, unregister: registerBlocks(bodies.slots, { ...owner, role: 'body' }) };
}
