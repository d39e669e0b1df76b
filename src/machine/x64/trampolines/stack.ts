/** Stack data, as every kind of trampoline writes it: where it goes, and in which pieces. */
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

/** Some bytes of stack data that are written with one store. */
export interface StackChunk {
  /** From the start of the data. */
  readonly offset: number;
  readonly width: 1 | 2 | 4 | 8;
}

/** How the stack pointer moves with SET_SP, from where it was. */
const alignment = 16;
const returnAddressGap = 8;

/** The bytes below the stack pointer that belong to the interrupted function: psABI, section 3.2.2. */
export const redZone = 128;

/** Where stack data goes at an invocation with the stack pointer `sp`, and the stack pointer at the target. */
export function stackDataTarget(
  sp: bigint,
  { size, offset, setSp }: StackLayout,
): { readonly dataAddress: bigint; readonly sp: bigint } {
  const unaligned = BigInt.asUintN(64, sp - BigInt(offset + size));
  if (!setSp) return { dataAddress: unaligned, sp };
  const aligned = BigInt.asUintN(64, (unaligned & BigInt(-alignment)) - BigInt(returnAddressGap));
  return { dataAddress: aligned, sp: aligned };
}

/** Moves the stack pointer, if that is wanted, and writes the data. `load` puts a piece into the scratch register. */
export function emitStackData(asm: Assembler, layout: StackLayout, load: (chunk: StackChunk) => void): void {
  const start = layout.setSp ? 0 : -(layout.offset + layout.size);
  if (layout.setSp) emitAlignedSetSp(asm, layout.offset + layout.size);
  for (const chunk of splitIntoChunks(layout.size)) {
    load(chunk);
    emitStore(asm, { base: 'rsp', displacement: start + chunk.offset }, chunk.width);
  }
}

/**
 * Only AND can round down, and it changes the flags, which are the caller's: LAHF and SETO keep them in rax, rax
 * waits in the scratch register, and ADD and SAHF bring them back. The stack pointer goes down first, so that a
 * signal never finds data below it.
 */
function emitAlignedSetSp(asm: Assembler, distance: number): void {
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -distance });
  asm.emit('mov r64, r/m64', scratch.r64, 'rax');
  asm.emit('seto r/m8', 'al');
  asm.emit('lahf');
  asm.emit('and r/m64, imm8', 'rsp', -alignment);
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
