/** The public interface of trampolines that call a handler with all registers. */
import type { TrampolineOptions } from './options.js';

/**
 * A C function `void handler(struct saved_registers *saved, void *trampoline)`: its address, or an object with an
 * `address`.
 */
export type HandlerFunction = bigint | { readonly address: bigint };

export interface RegisterHandlerOptions extends TrampolineOptions {
  /**
   * The C function to call. The first argument is the address of the block described by `registerContext`, the
   * second the trampoline's own address. Its result is ignored.
   */
  readonly handler: HandlerFunction;
  /** There are no slow register handlers: registers are saved by code. */
  readonly mode?: 'fast';
}

/**
 * A native function pointer that calls a handler with all registers; made by `createRegisterHandler`. Its address
 * stays valid until `close`, even if this object is garbage-collected. After `close` all properties keep their last
 * values.
 */
export interface RegisterHandler {
  /** The address to call. */
  readonly address: bigint;
  /** The address of the handler. */
  readonly handler: bigint;
  readonly name: string | undefined;
  /**
   * Replaces the handler in one step. Invocations that have begun complete with the old one.
   * @throws TypeError, RangeError for wrong values. Nothing has changed then.
   * @throws TrampfdError `ERR_TRAMPFD_CLOSED`, `ERR_TRAMPFD_FROZEN`, or if there is no memory. Nothing has changed then.
   */
  update(changes: { readonly handler?: HandlerFunction | undefined }): void;
  /** Forbids every later change (`ERR_TRAMPFD_FROZEN`), but not `close`. */
  freeze(): void;
  /**
   * Frees the trampoline, even while it is executing. Calls to the address trap until the address is reused, which
   * happens in the order of closing. Closing twice does nothing.
   */
  close(): void;
  [Symbol.dispose](): void;
}
