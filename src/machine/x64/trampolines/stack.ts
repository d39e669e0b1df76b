/** Stack data of all kinds of trampolines: its address, and the stores that write it. */
import type { StackLayout } from '../../../core/contexts.js';
import type { Assembler } from '../asm/assembler.js';
import type { Gpr8, Gpr16, Gpr32, Gpr64, Memory } from '../asm/operands.js';

/** r11 may be changed between a call and the first instruction of the function: psABI, figure 3.4. */
export const scratch: { r64: Gpr64; r32: Gpr32; r16: Gpr16; r8: Gpr8 } = {
  r64: 'r11',
  r32: 'r11d',
  r16: 'r11w',
  r8: 'r11b',
};

/** Bytes of stack data that one store writes. */
export interface StackChunk {
  /** Bytes from the start of the data. */
  readonly offset: number;
  readonly width: 1 | 2 | 4 | 8;
}

/** With SET_SP, the stack pointer is this gap below a multiple of the alignment, as at the entry of a function. */
export const setSpAlignment = 16;
export const returnAddressGap = 8;

/** Bytes below the stack pointer that a function may use: psABI, section 3.2.2. */
export const redZone = 128;

/** Returns the address of the stack data, and the stack pointer at the target, of an invocation at `sp`. */
export function stackDataTarget(
  sp: bigint,
  { size, offset, setSp }: StackLayout,
): { readonly dataAddress: bigint; readonly sp: bigint } {
  const unaligned = BigInt.asUintN(64, sp - BigInt(offset + size));
  if (!setSp) return { dataAddress: unaligned, sp };
  const aligned = BigInt.asUintN(64, (unaligned & BigInt(-setSpAlignment)) - BigInt(returnAddressGap));
  return { dataAddress: aligned, sp: aligned };
}

/**
 * Sets the stack pointer with SET_SP, and writes the data. `load` emits the load of a chunk into the scratch register.
 */
export function emitStackData(asm: Assembler, layout: StackLayout, load: (chunk: StackChunk) => void): void {
  const start = layout.setSp ? 0 : -(layout.offset + layout.size);
  if (layout.setSp) emitAlignedSetSp(asm, layout.offset + layout.size);
  for (const chunk of splitIntoChunks(layout.size)) {
    load(chunk);
    emitStore(asm, { base: 'rsp', displacement: start + chunk.offset }, chunk.width);
  }
}

/**
 * Moves the stack pointer and preserves the flags, although AND, which rounds down, changes them: LAHF and SETO save
 * them in rax, the scratch register saves rax, and ADD and SAHF restore them. The stack pointer moves before the data
 * is written, because a signal handler overwrites memory below it.
 */
function emitAlignedSetSp(asm: Assembler, distance: number): void {
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -distance });
  asm.emit('mov r64, r/m64', scratch.r64, 'rax');
  asm.emit('seto r/m8', 'al');
  asm.emit('lahf');
  asm.emit('and r/m64, imm8', 'rsp', -setSpAlignment);
  asm.emit('add r/m8, imm8', 'al', 0x7f);
  asm.emit('sahf');
  asm.emit('mov r64, r/m64', 'rax', scratch.r64);
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -returnAddressGap });
}

function splitIntoChunks(size: number): StackChunk[] {
  const result: StackChunk[] = [];
  for (let offset = 0; offset < size; offset += result.at(-1)!.width) {
    result.push({ offset, width: ([8, 4, 2, 1] as const).find((width) => width <= size - offset)! });
  }
  return result;
}

function emitStore(asm: Assembler, destination: Memory, width: StackChunk['width']): void {
  if (width === 8) asm.emit('mov r/m64, r64', destination, scratch.r64);
  else if (width === 4) asm.emit('mov r/m32, r32', destination, scratch.r32);
  else if (width === 2) asm.emit('mov r/m16, r16', destination, scratch.r16);
  else asm.emit('mov r/m8, r8', destination, scratch.r8);
}
