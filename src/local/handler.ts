/** Trampolines that call a handler with all registers, and go on with what it leaves in them. */
import { mapCode } from '../codepage/regions.js';
import { thisMachine } from '../linux/host.js';
import type { SavedRegisters } from '../machine/index.js';
import { handlerShape, handlerWords } from '../trampoline/shape.js';
import { address as checkAddress, options as checkNames, kind } from '../trampoline/values.js';
import { Entry } from './entry.js';
import { checkExecutable } from './notes.js';
import { checkedOptions, optionNames, type TrampolineOptions } from './options.js';

/** A C function `void handler(struct saved_registers *saved, void *trampoline)`: its address, or what has one. */
export type Handler = bigint | { readonly address: bigint };

export interface CreateHandlerTrampolineOptions extends TrampolineOptions {
  /**
   * What to call: a C function with two arguments. The first is the address of the block of {@link savedRegisters},
   * the second the trampoline's own address. Its result is not looked at.
   */
  readonly handler: Handler;
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
 *   createHandlerTrampoline,
 *   createTrampoline,
 *   savedRegisters,
 *   symbolAddress,
 * } from 'trampfd';
 *
 * // bcopy(source, target, length): as a handler it copies the registers of the last call.
 * const { size, offsets } = savedRegisters;
 * const last = Buffer.alloc(size);
 * const copy = createTrampoline({
 *   registers: { pc: symbolAddress('bcopy'), arg1: addressOf(last), arg2: BigInt(size) },
 * });
 * const spy = createHandlerTrampoline({ handler: copy });
 *
 * // Whoever calls spy.address as a C function with two integers leaves the second here:
 * console.log(last.readBigInt64LE(offsets.arg1)); // 0n
 * spy.free();
 * copy.free();
 * ```
 * @throws TypeError, RangeError for wrong options
 * @throws TrampfdError when the system refuses memory or code
 */
export function createHandlerTrampoline(options: CreateHandlerTrampolineOptions): HandlerTrampoline {
  return new HandlerTrampoline(options);
}

/**
 * A trampoline that calls a handler; made by {@link createHandlerTrampoline}. Its address stays valid until `free`,
 * also when the object itself is forgotten. A change of the handler is one step for threads that invoke it.
 */
export class HandlerTrampoline {
  readonly #entry: Entry;
  readonly #debug: boolean;
  #handler: bigint;

  /** @internal */
  constructor(options: CreateHandlerTrampolineOptions) {
    const given = checkNames(options, 'options', [...optionNames, 'handler']);
    const checked = checkedOptions(given);
    if (checked.mode === 'slow') {
      throw new RangeError(
        'mode must be "fast": what saves registers is code, which slow trampolines do not have',
      );
    }
    this.#debug = checked.debug;
    this.#handler = this.#check(given.handler);
    this.#entry = new Entry('handler trampoline', checked);
    try {
      this.#lead(this.#handler);
      this.#entry.note(checked, createHandlerTrampoline);
    } catch (error) {
      this.free();
      throw error;
    }
  }

  /** Where to call it. */
  get address(): bigint {
    this.#entry.checkAlive('tell the address');
    return this.#entry.address;
  }

  /** The address of what it calls. */
  get handler(): bigint {
    this.#entry.checkAlive('tell the handler');
    return this.#handler;
  }

  /**
   * Replaces the handler. Invocations that have begun end with the old one.
   * @throws TypeError, RangeError for what is no handler; TrampfdError when there is no memory. Nothing has changed then.
   */
  setHandler(handler: Handler): void {
    const checked = this.#check(handler);
    this.#entry.checkOpen('set the handler');
    this.#lead(checked);
  }

  /** Refuses every later change. `free` still works. */
  freeze(): void {
    this.#entry.freeze();
  }

  /** Frees it. Calling its address traps; after all others that are free it is used again. Freeing again does nothing. */
  free(): void {
    this.#entry.free(this.free);
  }

  [Symbol.dispose](): void {
    this.free();
  }

  #check(handler: unknown): bigint {
    const target = addressOfHandler(handler);
    if (this.#debug) checkExecutable(target, 'handler');
    return target;
  }

  #lead(handler: bigint): void {
    const words = new BigUint64Array(handlerWords.count);
    words[handlerWords.handler] = handler;
    words[handlerWords.trampoline] = this.#entry.address;
    this.#entry.lead(handlerShape, new Uint32Array(words.buffer));
    this.#handler = handler;
  }
}

function addressOfHandler(handler: unknown): bigint {
  if (typeof handler === 'bigint') return checkAddress(handler, 'handler');
  if (typeof handler !== 'object' || handler === null || !('address' in handler)) {
    throw new TypeError(`handler must be a bigint or an object with an address, not ${kind(handler)}`);
  }
  return checkAddress(handler.address, 'handler.address');
}

/**
 * The block in which a handler finds the registers: its size, and where each register stands. It begins at a multiple
 * of 16. docs/handlers.md has it as a C structure.
 *
 * Names are the architecture's own, and those that mean the same everywhere: `pc`, `sp`, `flags`, `arg0` to `arg5`,
 * `chain`, `result`, `vector0` to `vector7`. Sizes and offsets are bytes. {@link createHandlerTrampoline} has an example.
 */
export const savedRegisters: SavedRegisters = {
  get size() {
    return thisMachine().savedRegisters.size;
  },
  get offsets() {
    return thisMachine().savedRegisters.offsets;
  },
};

let resume: bigint | undefined;

/**
 * The address of the inverse, a C function `void resumeRegisters(const struct saved_registers *block)`: it sets all
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
 * import { createHandlerTrampoline, resumeRegisters } from 'trampfd';
 *
 * // As a handler it is a longer way to do the same: go on with the registers as they are.
 * const nothing = createHandlerTrampoline({ handler: resumeRegisters() });
 * nothing.free();
 * ```
 * @throws TrampfdError when the system refuses memory or code
 */
export function resumeRegisters(): bigint {
  resume ??= mapCode(() => thisMachine().resume(), { method: undefined, dataLength: 0 }).address;
  return resume;
}
