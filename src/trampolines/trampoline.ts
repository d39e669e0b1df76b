/** The public interface of single trampolines. */
import type { CallerRange, RegisterValues, StackValues } from '../core/contexts.js';
import type { Mode, TrampolineOptions } from './options.js';

export interface CreateTrampolineOptions extends TrampolineOptions {
  /** Registers to load; `pc` is the address to jump to. */
  readonly registers: RegisterValues;
  /** Data to write to the stack at every invocation; none by default. */
  readonly stackData?: StackValues;
  /**
   * The only PCs that this trampoline may jump to; at most 16. Checked whenever registers are set, and by slow
   * trampolines at every invocation as well.
   */
  readonly allowedPcs?: readonly bigint[];
  /**
   * Slow trampolines only: the address ranges that callers must be in, as pairs of start and end (exclusive);
   * at most 8. A diagnostic, not a protection: the program can write any return address.
   */
  readonly allowedCallers?: readonly CallerRange[];
}

/** Changes to a trampoline. A property that is absent or `undefined` stays as it is; `null` removes it. */
export interface TrampolineUpdate {
  /** All registers to load from now on. Without registers an invocation traps until they are set again. */
  readonly registers?: RegisterValues | null | undefined;
  /** Data without any bytes is removed, as with `null`. */
  readonly stackData?: StackValues | null | undefined;
  /** Checked against registers of the same update, and of later ones; slow trampolines check every invocation. */
  readonly allowedPcs?: readonly bigint[] | null | undefined;
  /** Slow trampolines only. */
  readonly allowedCallers?: readonly CallerRange[] | null | undefined;
}

/**
 * A native function pointer that loads registers and jumps; made by `createTrampoline`. Its address stays valid
 * until `close`, even if the handle is garbage-collected. After `close` all properties keep their last values.
 */
export interface Trampoline {
  /** The address to call. */
  readonly address: bigint;
  /** The registers that it loads, by the names they were set by; `undefined` if they were removed. */
  readonly registers: RegisterValues | undefined;
  /** A copy of the stack data that it writes. */
  readonly stackData: Required<StackValues> | undefined;
  /** The PCs that it may jump to; `undefined` if every PC is allowed. */
  readonly allowedPcs: readonly bigint[] | undefined;
  /** The address ranges that callers must be in; `undefined` if every caller is allowed. */
  readonly allowedCallers: readonly CallerRange[] | undefined;
  readonly mode: Mode;
  readonly name: string | undefined;
  /**
   * Changes contexts in one step: other threads that invoke the trampoline see all old values or all new ones.
   * All values are checked first; if one is refused, or there is no memory, nothing has changed.
   *
   * @example
   * ```ts
   * import { createTrampoline, symbolAddress } from 'trampfd';
   *
   * const compare = createTrampoline({ registers: { pc: symbolAddress('memcmp'), arg2: 8n } });
   * compare.update({ registers: { pc: symbolAddress('strncmp'), arg2: 4n } });
   * compare.close();
   * ```
   * @throws TypeError, RangeError for wrong values
   * @throws TrampfdError `ERR_TRAMPFD_CLOSED`, `ERR_TRAMPFD_FROZEN`, or if there is no memory
   */
  update(changes: TrampolineUpdate): void;
  /**
   * Returns how often a slow trampoline was invoked, and how many of these invocations were refused.
   * @throws TypeError for a fast trampoline, which does not count
   * @throws TrampfdError `ERR_TRAMPFD_CLOSED`
   */
  stats(): { readonly invocations: bigint; readonly refusals: bigint };
  /** Forbids every later change (`ERR_TRAMPFD_FROZEN`), but not `close`. */
  freeze(): void;
  /**
   * Frees the trampoline, even while it is executing. Calls to the address trap until the address is reused, which
   * happens in the order of closing. Closing twice does nothing.
   */
  close(): void;
  [Symbol.dispose](): void;
}
