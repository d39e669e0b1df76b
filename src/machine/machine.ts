/**
 * The interface of an architecture. Everything in it is pure: bytes in, bytes out. No layer above knows which one it
 * is.
 */
import type { RegisterFile } from '../core/registers.js';
import type { FfiCode } from './ffi-code.js';
import type { LinuxAbi } from './linux-abi.js';
import type { SupervisedCode } from './supervised-code.js';
import type { TrampolineCode } from './trampoline-code.js';

/** One decoded instruction. */
export interface Instruction {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** Text in the notation of the manual. */
  readonly text: string;
  /** Address of the memory operand, if the code determines it. */
  readonly memoryAddress: bigint | undefined;
  /** Target of a jump, call or branch, if the code determines it. */
  readonly target: bigint | undefined;
  /** Whether execution never continues with the next instruction. */
  readonly noFallthrough: boolean;
}

/** One architecture. */
export interface Machine {
  readonly architecture: string;
  readonly registerFile: RegisterFile;
  readonly trampolines: TrampolineCode;
  readonly ffi: FfiCode;
  readonly supervised: SupervisedCode;
  readonly linux: LinuxAbi;
  /** Decodes code at `address`: the instructions that the assembler knows. */
  disassemble(bytes: Uint8Array, address: bigint): Instruction[];
}
