/** Stack data, as every kind of trampoline writes it: where it goes, and in which pieces. */
import type { StackLayout } from '../../../core/contexts.js';
import type { Assembler } from '../asm/assembler.js';

/** x16 and x17 may be changed between a call and the first instruction of the function: AAPCS64, section 6.1.1. */
export const scratch = { x: 'x17', w: 'w17' } as const;
const base = 'x16';

/** How the stack pointer moves with SET_SP: AAPCS64, section 6.4.5.1. */
const alignment = 16;

/** Where stack data goes at an invocation with the stack pointer `sp`, and the stack pointer at the target. */
export function stackDataTarget(
  sp: bigint,
  { size, offset, setSp }: StackLayout,
): { readonly dataAddress: bigint; readonly sp: bigint } {
  const unaligned = BigInt.asUintN(64, sp - BigInt(offset + size));
  if (!setSp) return { dataAddress: unaligned, sp };
  const aligned = BigInt.asUintN(64, unaligned & BigInt(-alignment));
  return { dataAddress: aligned, sp: aligned };
}

/**
 * Moves the stack pointer, if that is wanted, and writes the data. `load` puts the eight bytes at a place in the data
 * into the scratch register; those behind the end are not looked at. The stack pointer goes down first, so that a
 * signal never finds data below it.
 */
export function emitStackData(
  asm: Assembler,
  { size, offset, setSp }: StackLayout,
  load: (dataOffset: number) => void,
): void {
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', base, 'sp', offset + size);
  if (setSp) asm.emit('and <Xd|SP>, <Xn>, #<mask>', 'sp', base, -alignment);
  const storeBase = setSp ? 'sp' : base;
  const wholeWordsSize = size - (size % 8);
  for (let dataOffset = 0; dataOffset < wholeWordsSize; dataOffset += 8) {
    load(dataOffset);
    asm.emit('str <Xt>, [<Xn|SP>, #<pimm>]', scratch.x, storeBase, dataOffset);
  }
  if (wholeWordsSize < size) {
    load(wholeWordsSize);
    emitTail(asm, { storeBase, dataOffset: wholeWordsSize, size: size - wholeWordsSize });
  }
}

/** The lower bytes of the scratch register, fewer than eight: halves of what is left, the rest shifted down. */
function emitTail(
  asm: Assembler,
  { storeBase, dataOffset, size }: { storeBase: 'sp' | typeof base; dataOffset: number; size: number },
): void {
  if (size >= 4) {
    asm.emit('str <Wt>, [<Xn|SP>, #<pimm>]', scratch.w, storeBase, dataOffset);
    if (size > 4) asm.emit('lsr <Xd>, <Xn>, #<shift>', scratch.x, scratch.x, 32);
  }
  const halfwordOffset = dataOffset + (size & 4);
  if ((size & 2) !== 0) {
    asm.emit('strh <Wt>, [<Xn|SP>, #<pimm>]', scratch.w, storeBase, halfwordOffset);
    if (size % 2 !== 0) asm.emit('lsr <Xd>, <Xn>, #<shift>', scratch.x, scratch.x, 16);
  }
  if (size % 2 !== 0)
    asm.emit('strb <Wt>, [<Xn|SP>, #<pimm>]', scratch.w, storeBase, halfwordOffset + (size & 2));
}
