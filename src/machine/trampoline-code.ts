/**
 * A *code image* is position-independent code of `count` trampolines of one shape. The data slots follow it in memory,
 * and every code slot reads its own data slot at a fixed distance. So the image contains no bytes of a particular
 * trampoline: it can be sealed, shared and mapped any number of times.
 *
 *     code  | slot 0 | slot 1 | …   traps | common |      read, execute
 *     data  | slot 0 | slot 1 | …                  |      read (and write, unless isolated)
 *
 * Slots of some types jump to a common part.
 */
import type { StackLayout } from '../core/contexts.js';
import type { PortableRegisterContextName, RegisterContextName } from '../core/registers.js';
import type { Shape } from '../core/shape.js';
import type { FrameDescription } from './eh-frame.js';
import type { NamedCode } from './named-code.js';

/** Code for trampolines of one shape. */
export interface CodeImage {
  readonly shape: Shape;
  readonly bytes: Uint8Array;
  /** Number of code slots. */
  readonly count: number;
  /** Bytes from one code slot to the next. */
  readonly stride: number;
  /** Offset in a code slot of the trap after the jump. The PC of a free slot points to it. */
  readonly trapOffset: number;
  /** Unwind information of the common part, if that calls functions. */
  readonly frame?: FrameDescription;
}

/** Stub that prints a message to standard error and jumps to a trap. Its operands are in registers. */
export interface FreedCallStubCode extends NamedCode {
  /** Numbers of the registers for the message's address, its length in bytes and the trap's address. */
  readonly registers: { readonly message: number; readonly length: number; readonly trap: number };
}

/** The block in which a handler finds the registers. */
export interface SavedRegisters {
  /** Bytes. */
  readonly size: number;
  /** Offset of each register in bytes, by portable name and by the names of this architecture. */
  readonly offsets: Readonly<
    Record<PortableRegisterContextName, number> & Partial<Record<RegisterContextName, number>>
  >;
}

/** The SIGSEGV handler of slow trampolines. Its control block is at a fixed distance: see fault-control.ts. */
export interface FaultHandlerCode extends NamedCode {
  /** Offset of the routine of each type. */
  readonly routineOffsets: Readonly<Record<string, number>>;
  /** Offset of the return address of the handler: the system call `rt_sigreturn`. */
  readonly restorerOffset: number;
}

/** Code and layouts of the trampolines of this process. */
export interface TrampolineCode {
  /** Returns the size of a code slot in bytes, and the offset of its trap. */
  slotLayout(shape: Shape): Pick<CodeImage, 'stride' | 'trapOffset'>;
  /**
   * Returns code for as many trampolines as `byteLength` holds.
   * @param dataOffset bytes from the first code slot to the first data slot. Default: `byteLength`
   */
  codeImage(shape: Shape, byteLength: number, dataOffset?: number): CodeImage;
  /** Max bytes of an image that trampolines use. */
  readonly maxImageBytes: number;
  /**
   * Throws a RangeError if this architecture cannot express a shape.
   * @param subject name of the registers in the error
   */
  assertShape(shape: Shape, subject: string): void;
  /** Pads code with traps to a length in bytes. */
  padWithTraps(code: Uint8Array, length: number): Uint8Array;
  freedCallStub(): FreedCallStubCode;
  readonly savedRegisters: SavedRegisters;
  /** Returns the function that loads all registers from a block, whose address is its argument. It never returns. */
  restoreContext(): NamedCode;
  /** Returns the SIGSEGV handler for a control block `controlOffset` bytes from its start. */
  faultHandler(controlOffset: number): FaultHandlerCode;
  /** Number of the register for bit 0 of a fault record's register mask. */
  readonly maskBase: number;
  /** Returns the address of the stack data, and the stack pointer at the target, of an invocation at `sp`. */
  stackDataTarget(sp: bigint, layout: StackLayout): { readonly dataAddress: bigint; readonly sp: bigint };
}
