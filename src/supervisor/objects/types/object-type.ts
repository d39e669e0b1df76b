/**
 * The contract of object types:
 *
 * 1. `createLayout` decodes the data that a program passed to `trampfd_create` and returns the layout of the object.
 * 2. `createUpdater` of that layout, for fast objects with contexts, returns the function that applies a context write.
 * 3. `invoke`, for types with slow objects, performs an invocation on the registers of a stopped thread.
 *
 * Each type is one file. The rest of the supervisor does not distinguish types.
 */
import type { RegisterNumbers } from '../../../abi/decode-contexts.js';
import type { Machine } from '../../../machine/index.js';
import type { ContextStore, InstanceContexts } from '../instance-contexts.js';
import type { ObjectFile } from '../object-file.js';

/** Facts about the target that object types need. */
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
  /** Offset of the first instance in the mapping. Default: 0. */
  readonly ioffset?: number;
  /** Bytes from one instance's address to the next. */
  readonly stride: number;
  /** Initial bytes of the mapping. */
  readonly content: Uint8Array | undefined;
  /** Numbers of the contexts that each instance has, without the map. */
  readonly contexts: readonly number[];
  /** Returns a function that applies new contexts to an instance of a fast object. If it throws, it changed nothing. */
  readonly createUpdater?: (file: ObjectFile) => (index: number, contexts: InstanceContexts) => void;
}

/** A thread that stopped at the start of an instance of a slow object. */
export interface Invocation {
  readonly contexts: ContextStore;
  readonly index: number;
  /** The thread's registers, readable and writable, with the layout `machine.linux.userRegs`. */
  readonly registers: DataView;
  readonly targetInfo: TargetInfo;
  /** @throws SyscallError */
  readMemory(address: bigint, length: number): Uint8Array;
  /** @throws SyscallError */
  writeMemory(address: bigint, bytes: Uint8Array): void;
  /** Checks a PC against the policy. @throws SyscallError */
  assertTargetAllowed(pc: bigint): void;
}

export interface ObjectType {
  readonly name: string;
  /** The first argument of `trampfd_create`. */
  readonly number: number;
  /** Bytes of the data argument. */
  readonly dataSize: number;
  /** @throws SyscallError */
  createLayout(data: DataView, targetInfo: TargetInfo): ObjectLayout;
  /** Whether the target is read from the program's memory at every invocation, and thus never checked. */
  readonly uncheckedTargets: boolean;
  /** @throws SyscallError if the invocation is not allowed; then nothing has changed */
  invoke?(invocation: Invocation): void;
}
