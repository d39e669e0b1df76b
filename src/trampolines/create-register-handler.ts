/** Trampolines that save all registers, call a handler, and load what the handler left. */

import { inspectSymbol } from '../core/inspect.js';
import { handlerShape, handlerSlotLayout } from '../core/shape.js';
import { describeType, knownOptions, nonNullAddress, plainObject } from '../core/validate.js';
import { assertExecutable } from './debug/assert-executable.js';
import { Entry } from './entry.js';
import { assertNotClosed, isClosed } from './lifecycle.js';
import { commonOptionNames, validateOptions } from './options.js';
import type { HandlerFunction, RegisterHandler, RegisterHandlerOptions } from './register-handler.js';

/**
 * Creates a native function pointer that saves all registers, calls a handler with them, loads what the handler left,
 * and returns. The handler may change every register, the return address (`pc`) and the stack pointer included.
 *
 * The block contains the general registers, the flags, PC and stack pointer *as the caller will find them* when the
 * trampoline returns, and the vector registers that carry arguments, 128 bits of each. With a handler that changes
 * nothing, calling the trampoline changes nothing. The caller's stack arguments begin at `sp`.
 *
 * **Limitations**: other vector registers, upper parts of vector registers, mask and x87 registers may be clobbered by
 * the handler, as by every function; MXCSR, the x87 control word and FPCR are left alone. With shadow stacks a
 * changed return address or stack pointer faults. On arm64, x17 holds the return address afterwards.
 *
 * @example
 * ```ts
 * import {
 *   addressOf,
 *   createRegisterHandler,
 *   createTrampoline,
 *   registerContext,
 *   symbolAddress,
 * } from 'trampfd';
 *
 * // bcopy(source, target, length): as a handler it copies the registers of the last call.
 * const { size, offsets } = registerContext;
 * const last = Buffer.alloc(size);
 * const copy = createTrampoline({
 *   registers: { pc: symbolAddress('bcopy'), arg1: addressOf(last), arg2: BigInt(size) },
 * });
 * const spy = createRegisterHandler({ handler: copy });
 *
 * // When C code calls spy.address as a function of two integers, the second is here:
 * console.log(last.readBigInt64LE(offsets.arg1)); // 0n
 * spy.close();
 * copy.close();
 * ```
 * @throws TypeError, RangeError for wrong options
 * @throws TrampfdError if the handler is a closed handle, or the system refuses memory or code
 */
export function createRegisterHandler(options: RegisterHandlerOptions): RegisterHandler {
  return new RegisterHandlerHandle(options);
}

const optionNames = [...commonOptionNames, 'handler'] as const;

class RegisterHandlerHandle implements RegisterHandler {
  readonly #entry: Entry;
  readonly #debug: boolean;
  #handler: bigint;

  constructor(options: RegisterHandlerOptions) {
    const rawOptions = knownOptions(options, 'options', optionNames);
    const validated = validateOptions(rawOptions);
    if (validated.mode === 'slow') {
      throw new RangeError(
        'mode must be "fast": registers are saved by code, which slow trampolines do not have',
      );
    }
    this.#debug = validated.debug;
    this.#handler = this.#parseHandler(rawOptions.handler);
    this.#entry = new Entry('register handler', validated);
    try {
      this.#activate(this.#handler);
      this.#entry.recordCreation(validated, createRegisterHandler);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get address(): bigint {
    return this.#entry.address;
  }

  get handler(): bigint {
    return this.#handler;
  }

  get name(): string | undefined {
    return this.#entry.name;
  }

  update(changes: { readonly handler?: HandlerFunction | undefined }): void {
    const { handler } = knownOptions(plainObject(changes, 'changes'), 'changes', ['handler']);
    const handlerAddress = handler === undefined ? undefined : this.#parseHandler(handler);
    // Only now: a getter of the values can close or freeze this trampoline.
    this.#entry.lifecycle.assertMutable('update');
    if (handlerAddress !== undefined) this.#activate(handlerAddress);
  }

  freeze(): void {
    this.#entry.freeze();
  }

  close(): void {
    this.#entry.close(this.close);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get [isClosed](): boolean {
    return this.#entry.lifecycle.isClosed;
  }

  [inspectSymbol](): string {
    return this.#entry.inspect('RegisterHandler', { handler: this.#handler });
  }

  #parseHandler(handler: unknown): bigint {
    const handlerAddress = addressOfHandler(handler);
    if (this.#debug) assertExecutable(handlerAddress, 'handler');
    return handlerAddress;
  }

  #activate(handler: bigint): void {
    const dataWords = new BigUint64Array(handlerSlotLayout.wordCount);
    dataWords[handlerSlotLayout.handler] = handler;
    dataWords[handlerSlotLayout.trampoline] = this.#entry.address;
    this.#entry.activate(handlerShape, dataWords);
    this.#handler = handler;
  }
}

function addressOfHandler(handler: unknown): bigint {
  if (typeof handler === 'bigint') return nonNullAddress(handler, 'handler');
  if (typeof handler !== 'object' || handler === null || !('address' in handler)) {
    throw new TypeError(
      `handler must be a bigint or an object with an address, not ${describeType(handler)}`,
    );
  }
  assertNotClosed(handler, 'handler');
  return nonNullAddress(handler.address, 'handler.address');
}
