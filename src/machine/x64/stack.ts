/** Stack data, as every kind of trampoline writes it: where it goes, and in which pieces. */
import type { StackLayout } from '../../trampoline/contexts.js';
import type { Assembler } from './assembler.js';
import type { Gpr8, Gpr16, Gpr32, Gpr64, Memory } from './operands.js';

/** r11 may be changed between a call and the first instruction of the function: psABI, figure 3.4. */
export const scratch: { r64: Gpr64; r32: Gpr32; r16: Gpr16; r8: Gpr8 } = {
  r64: 'r11',
  r32: 'r11d',
  r16: 'r11w',
  r8: 'r11b',
};

/** Some bytes of stack data that are written with one store. */
export interface Piece {
  /** From the start of the data. */
  readonly at: number;
  readonly width: 1 | 2 | 4 | 8;
}

/** How the stack pointer moves with SET_SP, from where it was. */
const alignment = 16;
const aboveAligned = 8;

/** The bytes below the stack pointer that belong to the interrupted function: psABI, section 3.2.2. */
export const redZone = 128;

/** Where stack data goes at an invocation with the stack pointer `sp`, and the stack pointer at the target. */
export function stackPlace(
  sp: bigint,
  { size, offset, setSp }: StackLayout,
): { readonly dataAt: bigint; readonly sp: bigint } {
  const below = BigInt.asUintN(64, sp - BigInt(offset + size));
  if (!setSp) return { dataAt: below, sp };
  const moved = BigInt.asUintN(64, (below & BigInt(-alignment)) - BigInt(aboveAligned));
  return { dataAt: moved, sp: moved };
}

/** Moves the stack pointer, if that is wanted, and writes the data. `load` puts a piece into the scratch register. */
export function emitStack(asm: Assembler, layout: StackLayout, load: (piece: Piece) => void): void {
  const start = layout.setSp ? 0 : -(layout.offset + layout.size);
  if (layout.setSp) emitStackPointer(asm, layout.offset + layout.size);
  for (const piece of pieces(layout.size)) {
    load(piece);
    emitStore(asm, { base: 'rsp', displacement: start + piece.at }, piece.width);
  }
}

/**
 * Only AND can round down, and it changes the flags, which are the caller's: LAHF and SETO keep them in rax, rax
 * waits in the scratch register, and ADD and SAHF bring them back. The stack pointer goes down first, so that a
 * signal never finds data below it.
 */
function emitStackPointer(asm: Assembler, below: number): void {
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -below });
  asm.emit('mov r64, r/m64', scratch.r64, 'rax');
  asm.emit('seto r/m8', 'al');
  asm.emit('lahf');
  asm.emit('and r/m64, imm8', 'rsp', -alignment);
  asm.emit('add r/m8, imm8', 'al', 0x7f);
  asm.emit('sahf');
  asm.emit('mov r64, r/m64', 'rax', scratch.r64);
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -aboveAligned });
}

function pieces(size: number): Piece[] {
  const result: Piece[] = [];
  for (let at = 0; at < size; at += result.at(-1)!.width) {
    result.push({ at, width: ([8, 4, 2, 1] as const).find((width) => width <= size - at)! });
  }
  return result;
}

function emitStore(asm: Assembler, to: Memory, width: Piece['width']): void {
  if (width === 8) asm.emit('mov r/m64, r64', to, scratch.r64);
  else if (width === 4) asm.emit('mov r/m32, r32', to, scratch.r32);
  else if (width === 2) asm.emit('mov r/m16, r16', to, scratch.r16);
  else asm.emit('mov r/m8, r8', to, scratch.r8);
}
