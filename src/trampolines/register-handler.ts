/** Trampolines that call a handler with all registers, and go on with what it leaves in them. */
import { mapCode } from '../codepage/regions.js';
import { handlerShape, handlerSlotLayout } from '../core/shape.js';
import {
  nonNullAddress as checkAddress,
  knownOptions as checkNames,
  describeType,
} from '../core/validate.js';
import type { SavedRegisters } from '../machine/index.js';
import { hostMachine } from '../native/host.js';
import { assertExecutable } from './debug/debug-info.js';
import { Entry } from './entry.js';
import { commonOptionNames, type TrampolineOptions, validateOptions } from './options.js';

/** A C function `void handler(struct saved_registers *saved, void *trampoline)`: its address, or what has one. */
export type HandlerFunction = bigint | { readonly address: bigint };

export interface RegisterHandlerOptions extends TrampolineOptions {
  /**
   * What to call: a C function with two arguments. The first is the address of the block of {@link registerContext},
   * the second the trampoline's own address. Its result is not looked at.
   */
  readonly handler: HandlerFunction;
  /** There are no slow ones: what saves registers is code. */
  readonly mode?: 'fast';
}

/**
 * Makes a native function pointer that saves all registers, calls a handler with them, loads what the handler left,
 * and returns. The handler may change every register, the return address (`pc`) and the stack pointer included.
 *
 * In the block stand the general registers, the flags, PC and stack pointer *as the caller will find them* when the
 * trampoline returns, and the vector registers that carry arguments, 128 bits of each. A handler that changes
 * nothing makes the trampoline a function that changes nothing. What the caller put on the stack begins at `sp`.
 *
 * **Limitations**: other vector registers, upper parts of vector registers, mask and x87 registers are for the
 * handler to use, as for every function; MXCSR, the x87 control word and FPCR are left alone. Where shadow stacks
 * are on, a changed return address or stack pointer is a fault. On arm64 x17 has the return address in the end.
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
 * // Whoever calls spy.address as a C function with two integers leaves the second here:
 * console.log(last.readBigInt64LE(offsets.arg1)); // 0n
 * spy.close();
 * copy.close();
 * ```
 * @throws TypeError, RangeError for wrong options
 * @throws TrampfdError when the system refuses memory or code
 */
export function createRegisterHandler(options: RegisterHandlerOptions): RegisterHandler {
  return new RegisterHandler(options);
}

/**
 * A trampoline that calls a handler; made by {@link createRegisterHandler}. Its address stays valid until `free`,
 * also when the object itself is forgotten. A change of the handler is one step for threads that invoke it.
 */
export class RegisterHandler {
  readonly #entry: Entry;
  readonly #debug: boolean;
  #handler: bigint;

  /** @internal */
  constructor(options: RegisterHandlerOptions) {
    const rawOptions = checkNames(options, 'options', [...commonOptionNames, 'handler']);
    const validated = validateOptions(rawOptions);
    if (validated.mode === 'slow') {
      throw new RangeError(
        'mode must be "fast": what saves registers is code, which slow trampolines do not have',
      );
    }
    this.#debug = validated.debug;
    this.#handler = this.#resolveHandler(rawOptions.handler);
    this.#entry = new Entry('handler trampoline', validated);
    try {
      this.#activate(this.#handler);
      this.#entry.recordCreation(validated, createRegisterHandler);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Where to call it. */
  get address(): bigint {
    this.#entry.assertOpen('tell the address');
    return this.#entry.address;
  }

  /** The address of what it calls. */
  get handler(): bigint {
    this.#entry.assertOpen('tell the handler');
    return this.#handler;
  }

  /**
   * Replaces the handler. Invocations that have begun end with the old one.
   * @throws TypeError, RangeError for what is no handler; TrampfdError when there is no memory. Nothing has changed then.
   */
  setHandler(handler: HandlerFunction): void {
    const handlerAddress = this.#resolveHandler(handler);
    this.#entry.assertMutable('set the handler');
    this.#activate(handlerAddress);
  }

  /** Refuses every later change. `free` still works. */
  freeze(): void {
    this.#entry.freeze();
  }

  /** Frees it. Calling its address traps; after all others that are free it is used again. Freeing again does nothing. */
  close(): void {
    this.#entry.close(this.close);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #resolveHandler(handler: unknown): bigint {
    const handlerAddress = addressOfHandler(handler);
    if (this.#debug) assertExecutable(handlerAddress, 'handler');
    return handlerAddress;
  }

  #activate(handler: bigint): void {
    const dataWords = new BigUint64Array(handlerSlotLayout.wordCount);
    dataWords[handlerSlotLayout.handler] = handler;
    dataWords[handlerSlotLayout.trampoline] = this.#entry.address;
    this.#entry.activate(handlerShape, new Uint32Array(dataWords.buffer));
    this.#handler = handler;
  }
}

function addressOfHandler(handler: unknown): bigint {
  if (typeof handler === 'bigint') return checkAddress(handler, 'handler');
  if (typeof handler !== 'object' || handler === null || !('address' in handler)) {
    throw new TypeError(
      `handler must be a bigint or an object with an address, not ${describeType(handler)}`,
    );
  }
  return checkAddress(handler.address, 'handler.address');
}

/**
 * The block in which a handler finds the registers: its size, and where each register stands. It begins at a multiple
 * of 16. docs/handlers.md has it as a C structure.
 *
 * Names are the architecture's own, and those that mean the same everywhere: `pc`, `sp`, `flags`, `arg0` to `arg5`,
 * `chain`, `result`, `vector0` to `vector7`. Sizes and offsets are bytes. {@link createRegisterHandler} has an example.
 */
export const registerContext: SavedRegisters = {
  get size() {
    return hostMachine().trampolines.savedRegisters.size;
  },
  get offsets() {
    return hostMachine().trampolines.savedRegisters.offsets;
  },
};

let restoreAddress: bigint | undefined;

/**
 * The address of the inverse, a C function `void restoreContextAddress(const struct saved_registers *block)`: it sets all
 * registers from a block, flags, stack pointer and PC included, and does not return. The block is a handler's, a copy
 * of one, or one that was made by hand; it may lie anywhere.
 *
 * **Limitations**: on x86-64 no register is free to hold the PC. So below the red zone of the new stack pointer, from
 * `sp - 168` to `sp - 136`, there must be memory to write, and the function uses two vector registers that blocks do
 * not have (xmm8, xmm9). On arm64 the PC is in x17 at the end, whatever the block says of that, and q16 is used. Under
 * shadow stacks it faults.
 *
 * @example
 * ```ts
 * import { createRegisterHandler, restoreContextAddress } from 'trampfd';
 *
 * // As a handler it is a longer way to do the same: go on with the registers as they are.
 * const nothing = createRegisterHandler({ handler: restoreContextAddress() });
 * nothing.close();
 * ```
 * @throws TrampfdError when the system refuses memory or code
 */
export function restoreContextAddress(): bigint {
  restoreAddress ??= mapCode(() => hostMachine().trampolines.restoreContext(), {
    method: undefined,
    dataLength: 0,
  }).address;
  return restoreAddress;
}
