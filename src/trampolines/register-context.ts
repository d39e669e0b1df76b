/** The block of saved registers that handlers receive. */
import { mapCode } from '../codepage/map-code.js';
import type { SavedRegisters } from '../machine/index.js';
import { hostMachine } from '../native/host.js';

/** See {@link registerContext}. */
export interface RegisterContext {
  /** Size of the block in bytes. */
  readonly size: number;
  /** Offset of each register within the block, in bytes. */
  readonly offsets: SavedRegisters['offsets'];
  /**
   * Returns the address of a C function `void restore(const struct saved_registers *block)`: it loads all registers
   * from a block, flags, stack pointer and PC included, and does not return. The block can be a handler's, a copy of
   * one, or written by hand; it may be anywhere.
   *
   * **Limitations**: on x86-64 no register is free to hold the PC. Therefore the memory below the red zone of the new
   * stack pointer, from `sp - 168` to `sp - 136`, must be writable, and the function clobbers two vector registers
   * that are not in the block (xmm8, xmm9). On arm64 the PC is in x17 afterwards, whatever the block has for x17, and
   * q16 is clobbered. With shadow stacks it faults.
   *
   * @example
   * ```ts
   * import { createRegisterHandler, registerContext } from 'trampfd';
   *
   * // As a handler it has no effect: it continues with the registers as they are.
   * const nothing = createRegisterHandler({ handler: registerContext.restoreAddress() });
   * nothing.close();
   * ```
   * @throws TrampfdError if the system refuses memory or code
   */
  restoreAddress(): bigint;
}

let restoreAddress: bigint | undefined;

/**
 * Describes the block in which a handler finds the registers. The block is aligned to 16 bytes. docs/handlers.md has
 * it as a C structure.
 *
 * Register names are the architecture's own, and portable ones: `pc`, `sp`, `flags`, `arg0` to `arg5`, `chain`,
 * `result`, `vector0` to `vector7`. `createRegisterHandler` has an example.
 */
export const registerContext: RegisterContext = {
  get size() {
    return hostMachine().trampolines.savedRegisters.size;
  },
  get offsets() {
    return hostMachine().trampolines.savedRegisters.offsets;
  },
  restoreAddress() {
    restoreAddress ??= mapCode(() => hostMachine().trampolines.restoreContext(), {
      codeSource: undefined,
      dataLength: 0,
    }).address;
    return restoreAddress;
  },
};
