/** Public types of `trampfd/object`. */
import type { CallerRange, RegisterValues, StackValues } from '../core/contexts.js';

export interface TrampolineObjectOptions {
  /**
   * `'fast'` (default): an invocation runs a few instructions. `'slow'`: it faults, and the supervisor checks and
   * performs it; only in a supervised program.
   */
  readonly mode?: 'fast' | 'slow';
  /** Number of trampolines in the object, each with its own contexts: 1 (default) to 65,536. */
  readonly count?: number;
}

/** A mapping of a trampoline object in this process. */
export interface TrampolineMapping {
  /** Address of instance 0. */
  readonly address: bigint;
  /** Returns the address of an instance. @param instance counted from 0 */
  addressOf(instance: number): bigint;
  /** Removes the mapping. Its addresses must not be called afterwards. */
  unmap(): void;
}

/**
 * A trampoline object, referred to by a file descriptor. Methods about one of its trampolines take the number of the
 * instance, by default 0. They throw `TypeError` or `RangeError` for wrong values, and `TrampfdError` if the system
 * or a policy refuses, or with the code `ERR_TRAMPFD_CLOSED`. A method that throws has changed nothing.
 */
export interface TrampolineObject {
  /** The fd, for example for a child's `stdio`; -1 after `close`. */
  readonly fd: number;
  /** Returns the registers by the architecture's own names, or `undefined` if none are set: then a call traps. */
  registers(instance?: number): RegisterValues | undefined;
  /** Replaces all registers atomically, also for threads that are invoking the trampoline; `null` removes them. */
  setRegisters(registers: RegisterValues | null, instance?: number): void;
  /** Returns the stack data that an invocation writes, or `undefined`. */
  stackData(instance?: number): StackValues | undefined;
  /** Replaces the stack data atomically; `null` removes it. */
  setStackData(stackData: StackValues | null, instance?: number): void;
  /** Returns the only PCs that registers may have, or `undefined` if every PC is allowed. */
  allowedPcs(instance?: number): readonly bigint[] | undefined;
  /** Replaces the allowed PCs; `null` removes them. Registers that are already set are not checked again. */
  setAllowedPcs(pcs: readonly bigint[] | null, instance?: number): void;
  /** Returns the only address ranges that may call a slow object, or `undefined` if every caller is allowed. */
  allowedCallers(instance?: number): readonly CallerRange[] | undefined;
  /** Replaces the allowed callers of a slow object; `null` removes them. */
  setAllowedCallers(ranges: readonly CallerRange[] | null, instance?: number): void;
  /** Maps the object into this process. Each call creates another mapping. */
  map(): TrampolineMapping;
  /** Sends a copy of the fd through a Unix socket. */
  send(socketFd: number): void;
  /** Closes the fd. Mappings and copies of the fd keep the object alive. Closing twice does nothing. */
  close(): void;
  [Symbol.dispose](): void;
}
