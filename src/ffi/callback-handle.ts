/** The handle of a callback. */
import { inspectLine, inspectSymbol } from '../core/inspect.js';
import { closedError, isClosed } from '../trampolines/lifecycle.js';
import type { ValidatedOptions } from '../trampolines/options.js';
import type { SlotNumber } from '../trampolines/slots/slots.js';
import type { CallbackInterface } from './callback-interface.js';
import { threadRegistry, updateRefCount } from './callback-registry.js';
import type { Callee } from './callee.js';

/**
 * A JavaScript function that native code can call. The function pointer stays valid until `close`, even if this object
 * is garbage-collected.
 */
export interface Callback {
  /** The function pointer. */
  readonly address: bigint;
  /** The C prototype, in one line. */
  readonly prototype: string;
  readonly name: string | undefined;
  /**
   * Keeps the event loop alive until `unref` or `close`, for calls from other threads. By default a callback does not.
   * @throws TrampfdError `ERR_TRAMPFD_CLOSED`
   */
  ref(): this;
  /** Lets the event loop end although other threads may still call. */
  unref(): this;
  /**
   * Frees the function pointer; safe while the function runs. Calls to the address trap until it is reused, which
   * happens in FIFO order. Closing again does nothing.
   */
  close(): void;
  [Symbol.dispose](): void;
}

/** State that few callbacks need. */
interface OptionalState {
  name: string | undefined;
  /** Whether debuggers and profilers may know the name. */
  hasDebugInfo: boolean;
  /** Whether the callback keeps the event loop alive. */
  isRef: boolean;
}

export class CallbackHandle implements Callback, Callee {
  readonly callbackInterface: CallbackInterface;
  readonly fn: Callee['fn'];
  readonly serial: number;
  retainedResult: unknown;
  /** `-1 - slot` after `close`. */
  #slot: SlotNumber;
  #optional: OptionalState | undefined;

  /** Kept small so that V8 inlines it. */
  constructor(callbackInterface: CallbackInterface, fn: Callee['fn'], slot: SlotNumber, serial: number) {
    this.callbackInterface = callbackInterface;
    this.fn = fn;
    this.#slot = slot;
    this.serial = serial;
  }

  /** Makes the callback known to debuggers and profilers as far as the options ask for it. Closes it on failure. */
  recordDebugInfo({ name, debug, perfMap }: ValidatedOptions, stackStartFn: unknown): void {
    if (!debug && !perfMap && name === undefined) return;
    const optional = this.#ensureOptional();
    optional.name = name;
    optional.hasDebugInfo = true;
    const debugOptions = { debug, perfMap, listed: name !== undefined };
    try {
      threadRegistry!.debugInfo.recordCreation(this.#slot, {
        name: name ?? 'callback',
        debugOptions,
        stackStartFn,
      });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get address(): bigint {
    return threadRegistry!.slots.address(this[isClosed] ? -1 - this.#slot : this.#slot);
  }

  get prototype(): string {
    return this.callbackInterface.signature.text;
  }

  get name(): string | undefined {
    return this.#optional?.name;
  }

  ref(): this {
    if (this[isClosed]) throw closedError('keep the event loop alive for', this.describe());
    const optional = this.#ensureOptional();
    if (!optional.isRef) updateRefCount(1);
    optional.isRef = true;
    return this;
  }

  unref(): this {
    if (this.#optional?.isRef) {
      updateRefCount(-1);
      this.#optional.isRef = false;
    }
    return this;
  }

  close(): void {
    const slot = this.#slot;
    if (slot < 0) return;
    this.#slot = -1 - slot;
    const { slots, liveCallbacks } = threadRegistry!;
    slots.free(slot);
    liveCallbacks[slot] = undefined;
    if (this.#optional === undefined) return;
    this.unref();
    if (this.#optional.hasDebugInfo) threadRegistry!.debugInfo.recordFree(slot, this.close);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get [isClosed](): boolean {
    return this.#slot < 0;
  }

  [inspectSymbol](): string {
    const { address, prototype, name } = this;
    return inspectLine('Callback', { address, prototype, name, closed: this[isClosed] });
  }

  describe(): string {
    const { prototype, name } = this;
    return name === undefined ? `the callback ${prototype}` : `the callback "${name}" (${prototype})`;
  }

  #ensureOptional(): OptionalState {
    this.#optional ??= { name: undefined, hasDebugInfo: false, isRef: false };
    return this.#optional;
  }
}
