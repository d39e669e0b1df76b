/** Stack data of all kinds of trampolines: its address, and the stores that write it. */
import type { StackLayout } from '../../../core/contexts.js';
import type { Assembler } from '../asm/assembler.js';

/** x16 and x17 may be changed between a call and the first instruction of the function: AAPCS64, section 6.1.1. */
export const scratch = { x: 'x17', w: 'w17' } as const;
const base = 'x16';

/** Alignment of the stack pointer: AAPCS64, section 6.4.5.1. */
const alignment = 16;

/** Returns the address of the stack data, and the stack pointer at the target, of an invocation at `sp`. */
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
 * Sets the stack pointer with SET_SP, and writes the data. `load` emits the load of 8 bytes at an offset in the data
 * into the scratch register; bytes after the end are ignored. The stack pointer moves first, because a signal handler
 * overwrites memory below it.
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

/** Stores fewer than 8 lower bytes of the scratch register: a word, a halfword and a byte, with shifts between them. */
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
