/**
 * Types of objects. The contract, in a nutshell:
 *
 * 1. `plan` reads what a program told `trampfd_create`, and says what the object is made of.
 * 2. `changed`, for types with contexts, makes what was written to an instance take effect.
 * 3. `invoke`, for types with slow objects, does a trampoline's work on the registers of a stopped thread.
 *
 * A type is a file; everything else of the supervisor goes by this table.
 */
import type { RegisterNumbers } from '../../../abi/decode-contexts.js';
import type { Machine } from '../../../machine/index.js';
import type { ContextStore, InstanceContexts } from '../instance-contexts.js';
import type { ObjectFile } from '../object-file.js';

/** What types need to know of the world. */
export interface TargetInfo {
  readonly machine: Machine;
  readonly registerNumbers: RegisterNumbers;
  readonly pageSize: number;
}

export interface ObjectLayout {
  readonly slow: boolean;
  readonly count: number;
  /** Bytes of the mapping: whole pages. */
  readonly length: number;
  /** Where in the mapping the first instance stands: 0, if it is not told. */
  readonly ioffset?: number;
  /** Bytes from one instance's address to the next. */
  readonly stride: number;
  /** What stands at the beginning of the mapping. */
  readonly content: Uint8Array | undefined;
  /** The contexts that each instance has, by their places among the offsets; without the map. */
  readonly contexts: readonly number[];
  /** How changes take effect in a fast object, once there is a file. What it refuses changes nothing. */
  readonly createUpdater?: (file: ObjectFile) => (index: number, contexts: InstanceContexts) => void;
}

/** A thread that stopped at the start of an instance of a slow object. */
export interface Invocation {
  readonly contexts: ContextStore;
  readonly index: number;
  /** The thread's registers, to read and to change: `machine.threadRegisters`. */
  readonly registers: DataView;
  readonly targetInfo: TargetInfo;
  /** @throws Refusal */
  readMemory(address: bigint, length: number): Uint8Array;
  /** @throws Refusal */
  writeMemory(address: bigint, bytes: Uint8Array): void;
  /** Refuses a PC that the policy does not allow. @throws Refusal */
  assertTargetAllowed(pc: bigint): void;
}

export interface ObjectType {
  readonly name: string;
  /** The first argument of `trampfd_create`. */
  readonly number: number;
  /** Bytes of its data. */
  readonly dataSize: number;
  /** @throws Refusal */
  createLayout(data: DataView, targetInfo: TargetInfo): ObjectLayout;
  /** Whether the jump's target is the program's to choose at every invocation. */
  readonly uncheckedTargets: boolean;
  /** @throws Refusal when the invocation is not allowed; then nothing has changed */
  invoke?(invocation: Invocation): void;
}
