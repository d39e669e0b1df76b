/** The callbacks of this thread. */
import { splitU64 } from '../core/bits.js';
import { state as stateLayout } from '../machine/glue-layout.js';
import { DebugInfo } from '../trampolines/debug/debug-info.js';
import type { Slots } from '../trampolines/slots/slots.js';
import type { CallbackInterface } from './callback-interface.js';
import { prepareForCallbacks } from './entries.js';
import { createGlueSlots, glueSlotOptions } from './glue-slots.js';
import { type Runtime, runtime } from './runtime.js';

export interface CallbackRegistry {
  readonly runtime: Runtime;
  readonly slots: Slots;
  readonly debugInfo: DebugInfo;
  readonly liveCallbacks: Runtime['liveCallbacks'];
  /** The address that all callbacks jump to, in 32-bit halves. */
  readonly entryLo: number;
  readonly entryHi: number;
  /** Interfaces of callbacks without options, by prototype text. */
  readonly interfacesByPrototype: Map<string, CallbackInterface>;
  /** The last prototype text that was looked up without options, and its interface. */
  cachedPrototype: unknown;
  cachedInterface: CallbackInterface | undefined;
  created: number;
  /** Number of callbacks that keep the event loop alive. */
  refCount: number;
}

export let threadRegistry: CallbackRegistry | undefined;

export function createRegistry(): CallbackRegistry {
  const threadRuntime = runtime();
  prepareForCallbacks();
  const { low, high } = splitU64(threadRuntime.addressOf('callbackEntry'));
  const slots = createGlueSlots('callbacks');
  threadRegistry = {
    runtime: threadRuntime,
    slots,
    debugInfo: new DebugInfo(slots, glueSlotOptions),
    liveCallbacks: threadRuntime.liveCallbacks,
    entryLo: low,
    entryHi: high,
    interfacesByPrototype: new Map(),
    cachedPrototype: Symbol(), // equal to no prototype
    cachedInterface: undefined,
    created: 0,
    refCount: 0,
  };
  return threadRegistry;
}

/** Counts the callbacks that keep the event loop alive. */
export function updateRefCount(delta: 1 | -1): void {
  const registry = threadRegistry!;
  const previous = registry.refCount;
  registry.refCount += delta;
  if (previous !== 0 && registry.refCount !== 0) return;
  registry.runtime.state.u32[stateLayout.pendingRequest / 4] = registry.refCount;
  registry.runtime.functions.setRef();
}
