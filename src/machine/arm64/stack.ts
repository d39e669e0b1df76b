/** Stack data, as every kind of trampoline writes it: where it goes, and in which pieces. */
import type { StackLayout } from '../../trampoline/contexts.js';
import type { Assembler } from './assembler.js';

/** x16 and x17 may be changed between a call and the first instruction of the function: AAPCS64, section 6.1.1. */
export const scratch = { x: 'x17', w: 'w17' } as const;
const base = 'x16';

/** How the stack pointer moves with SET_SP: AAPCS64, section 6.4.5.1. */
const alignment = 16;

/** Where stack data goes at an invocation with the stack pointer `sp`, and the stack pointer at the target. */
export function stackPlace(
  sp: bigint,
  { size, offset, setSp }: StackLayout,
): { readonly dataAt: bigint; readonly sp: bigint } {
  const below = BigInt.asUintN(64, sp - BigInt(offset + size));
  if (!setSp) return { dataAt: below, sp };
  const moved = BigInt.asUintN(64, below & BigInt(-alignment));
  return { dataAt: moved, sp: moved };
}

/**
 * Moves the stack pointer, if that is wanted, and writes the data. `load` puts the eight bytes at a place in the data
 * into the scratch register; those behind the end are not looked at. The stack pointer goes down first, so that a
 * signal never finds data below it.
 */
export function emitStack(
  asm: Assembler,
  { size, offset, setSp }: StackLayout,
  load: (at: number) => void,
): void {
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', base, 'sp', offset + size);
  if (setSp) asm.emit('and <Xd|SP>, <Xn>, #<mask>', 'sp', base, -alignment);
  const to = setSp ? 'sp' : base;
  const whole = size - (size % 8);
  for (let at = 0; at < whole; at += 8) {
    load(at);
    asm.emit('str <Xt>, [<Xn|SP>, #<pimm>]', scratch.x, to, at);
  }
  if (whole < size) {
    load(whole);
    emitRest(asm, { to, at: whole, size: size - whole });
  }
}

/** The lower bytes of the scratch register, fewer than eight: halves of what is left, the rest shifted down. */
function emitRest(
  asm: Assembler,
  { to, at, size }: { to: 'sp' | typeof base; at: number; size: number },
): void {
  if (size >= 4) {
    asm.emit('str <Wt>, [<Xn|SP>, #<pimm>]', scratch.w, to, at);
    if (size > 4) asm.emit('lsr <Xd>, <Xn>, #<shift>', scratch.x, scratch.x, 32);
  }
  const at2 = at + (size & 4);
  if ((size & 2) !== 0) {
    asm.emit('strh <Wt>, [<Xn|SP>, #<pimm>]', scratch.w, to, at2);
    if (size % 2 !== 0) asm.emit('lsr <Xd>, <Xn>, #<shift>', scratch.x, scratch.x, 16);
  }
  if (size % 2 !== 0) asm.emit('strb <Wt>, [<Xn|SP>, #<pimm>]', scratch.w, to, at2 + (size & 2));
}
