/**
 * Types of objects. The contract, in a nutshell:
 *
 * 1. `plan` reads what a program told `trampfd_create`, and says what the object is made of.
 * 2. `changed`, for types with contexts, makes what was written to an instance take effect.
 * 3. `invoke`, for types with slow objects, does a trampoline's work on the registers of a stopped thread.
 *
 * A type is a file; everything else of the supervisor goes by this table.
 */
import type { RegisterNames } from '../../abi/contexts.js';
import type { Machine } from '../../machine/index.js';
import type { Contexts, Told } from '../contexts.js';
import type { ObjectFile } from '../object-file.js';

/** What types need to know of the world. */
export interface Surroundings {
  readonly machine: Machine;
  readonly names: RegisterNames;
  readonly pageSize: number;
}

export interface Plan {
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
  readonly changes?: (file: ObjectFile) => (index: number, told: Told) => void;
}

/** A thread that stopped at the start of an instance of a slow object. */
export interface Invocation {
  readonly contexts: Contexts;
  readonly index: number;
  /** The thread's registers, to read and to change: `machine.threadRegisters`. */
  readonly registers: DataView;
  readonly surroundings: Surroundings;
  /** @throws Refusal */
  readMemory(address: bigint, length: number): Uint8Array;
  /** @throws Refusal */
  writeMemory(address: bigint, bytes: Uint8Array): void;
  /** Refuses a PC that the policy does not allow. @throws Refusal */
  checkTarget(pc: bigint): void;
}

export interface ObjectType {
  readonly name: string;
  /** The first argument of `trampfd_create`. */
  readonly number: number;
  /** Bytes of its data. */
  readonly dataSize: number;
  /** @throws Refusal */
  plan(data: DataView, surroundings: Surroundings): Plan;
  /** Whether the jump's target is the program's to choose at every invocation. */
  readonly openTargets: boolean;
  /** @throws Refusal when the invocation is not allowed; then nothing has changed */
  invoke?(invocation: Invocation): void;
}
