/**
 * The type `handler`: save all registers, call a C function with them, load what it left. In a nutshell:
 *
 * 1. A slot makes room for the block, puts x16 and x17 there, loads them with which handler and which trampoline it is,
 *    and branches to the part that all slots of a region share.
 * 2. That part stores every other register in the block and calls.
 * 3. Then it does what {@link restoreContext} does as a function: it loads all registers from the block and *returns* into
 *    the PC that stands there. RET wants it in a register, and that is x17: every function may find there what a
 *    linker's veneer left (AAPCS64, section 6.1.1). So the PC can be a function, with the caller's x30 to return to.
 *
 * The block begins at the stack pointer, and ends where that was at the call: nothing below it is anybody's.
 */
import { handlerSlotLayout } from '../../../core/shape.js';
import { CfiBuilder, type FrameDescription } from '../../eh-frame.js';
import { Assembler } from '../asm/assembler.js';
import type { Label, LabelRef } from '../asm/operands.js';
import { savedOffsets, savedPairs, savedSize, savedVectorPairs } from './saved-registers.js';

/** Numbers of DWARF: x0 to x30 are 0 to 30. DWARF for the Arm 64-bit Architecture, section 4.1. */
const dwarfNumber = (name: `x${number}`): number => Number(name.slice(1));
const dwarfSp = 31;
const returnAddress = dwarfNumber('x30');

/** One slot; `data` is its own, `common` what all share. */
export function emitHandlerSlot(asm: Assembler, dataWord: (byte: number) => LabelRef, common: Label): void {
  emitReserveBlock(asm);
  asm.emit('ldr <Xt>, <label>', 'x16', dataWord(8 * handlerSlotLayout.handler));
  asm.emit('ldr <Xt>, <label>', 'x17', dataWord(8 * handlerSlotLayout.trampoline));
  asm.emit('b <label>', common);
}

/** The block on the stack, with x16 and x17 in it: they are free to use then. */
export function emitReserveBlock(asm: Assembler): void {
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'sp', 'sp', savedSize);
  asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x16', 'x17', 'sp', savedOffsets.x16);
}

/** Calls the handler that x16 tells of, which may be what stands behind the common part. It may change x16 and x17. */
type EmitCall = (asm: Assembler, end: Label) => void;

/** A slot loads its address. */
const callX16: EmitCall = (asm) => asm.emit('blr <Xn>', 'x16');

/** The common part. It is the only part that calls, so an unwinder meets no other. */
export function handlerCommon(emitCall = callX16): { bytes: Uint8Array; frame: FrameDescription } {
  const asm = new Assembler();
  const cfi = new CfiBuilder();
  const end = asm.label();
  emitSave(asm, cfi);
  asm.emit('mov <Xd|SP>, sp', 'x0');
  asm.emit('mov <Xd>, <Xm>', 'x1', 'x17');
  emitCall(asm, end);
  asm.emit('mov <Xd|SP>, sp', 'x17');
  emitRestore(asm, cfi);
  asm.bind(end);
  const bytes = asm.finish();
  return { bytes, frame: { start: 0, length: bytes.length, returnAddress, cfi: cfi.toBytes() } };
}

/** The function `restoreContextAddress(block)`. */
export function restoreContext(): Uint8Array {
  const asm = new Assembler();
  asm.emit('bti c');
  asm.emit('mov <Xd>, <Xm>', 'x17', 'x0');
  emitRestore(asm, new CfiBuilder()); // which nobody needs: it calls nothing
  return asm.finish();
}

/** Stores everything in the block, which the stack pointer is at, but x16 and x17. x0 and x1 are free to use then. */
function emitSave(asm: Assembler, cfi: CfiBuilder): void {
  cfi.defineCfa({ register: dwarfSp, offset: savedSize });
  for (const [first, second] of savedPairs) {
    asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', first, second, 'sp', savedOffsets[first]);
  }
  for (const [first, second] of savedVectorPairs) {
    asm.emit('stp <Qt1>, <Qt2>, [<Xn|SP>, #<simm>]', first, second, 'sp', savedOffsets[first]);
  }
  asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x30', 'x30', 'sp', savedOffsets.x30); // and pc
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x0', 'sp', savedSize);
  asm.emit('mrs <Xt>, nzcv', 'x1');
  asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x0', 'x1', 'sp', savedOffsets.sp); // and flags

  // The block is the caller's state from here on, also for an unwinder: it goes on from what the handler left.
  cfi.advanceTo(asm.position).cfaSavedAt({ register: dwarfSp, offset: savedOffsets.sp });
  cfi.registerSavedAt(returnAddress, { register: dwarfSp, offset: savedOffsets.pc });
  for (const name of savedPairs.flat()) {
    cfi.registerSavedAt(dwarfNumber(name), { register: dwarfSp, offset: savedOffsets[name] });
  }
}

/**
 * Loads every register but x17 from the block at x17 and returns. Once the stack pointer is the new one, the block may
 * lie below it, where the frame of a signal can be written: by then everything is in registers. x16 waits in d16, which
 * no function keeps for its caller (AAPCS64, section 6.1.2).
 */
function emitRestore(asm: Assembler, cfi: CfiBuilder): void {
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x16', 'x17', savedOffsets.nzcv);
  asm.emit('msr nzcv, <Xt>', 'x16');
  asm.emit('ldr <Dt>, [<Xn|SP>, #<pimm>]', 'd16', 'x17', savedOffsets.x16);
  for (const [first, second] of savedVectorPairs) {
    asm.emit('ldp <Qt1>, <Qt2>, [<Xn|SP>, #<simm>]', first, second, 'x17', savedOffsets[first]);
  }
  for (const [first, second] of savedPairs) {
    asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', first, second, 'x17', savedOffsets[first]);
  }
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x30', 'x17', savedOffsets.x30);
  asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x17', 'x16', 'x17', savedOffsets.pc); // and sp
  asm.emit('mov sp, <Xn|SP>', 'x16');
  cfi.advanceTo(asm.position).defineCfa({ register: dwarfSp, offset: 0 });
  for (const name of savedPairs.flat()) cfi.registerUnchanged(dwarfNumber(name));
  cfi.registerSavedInRegister(returnAddress, dwarfNumber('x17'));
  asm.emit('fmov <Xd>, <Dn>', 'x16', 'd16');
  asm.emit('ret <Xn>', 'x17');
  asm.emit('brk #<imm>', 0);
}
