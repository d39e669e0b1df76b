/**
 * The type `handler`: saves all registers, calls a C function with them, and loads the registers that it left.
 *
 * 1. A slot reserves the block on the stack, saves x16 and x17 there, loads the addresses of the handler and of the
 *    trampoline into them, and branches to the common part.
 * 2. The common part stores all other registers in the block and calls the handler.
 * 3. It then does what {@link restoreContext} does as a function: it loads all registers from the block and *returns*
 *    to the PC stored there. RET needs it in a register, and that is x17, which a linker's veneer may change before any
 *    function (AAPCS64, section 6.1.1). So the PC can be a function that returns to the caller's x30.
 *
 * The block is right below the stack pointer at the call: there is no red zone.
 */
import { handlerSlotLayout } from '../../../core/shape.js';
import { CfiBuilder, type FrameDescription } from '../../eh-frame.js';
import { Assembler } from '../asm/assembler.js';
import type { Label, LabelRef } from '../asm/operands.js';
import { savedOffsets, savedPairs, savedSize, savedVectorPairs } from './saved-registers.js';

/** DWARF numbers of x0 to x30 are 0 to 30: DWARF for the Arm 64-bit Architecture, section 4.1. */
const dwarfNumber = (name: `x${number}`): number => Number(name.slice(1));
const dwarfSp = 31;
const returnAddress = dwarfNumber('x30');

/** Emits one slot, which branches to the common part. */
export function emitHandlerSlot(asm: Assembler, dataWord: (byte: number) => LabelRef, common: Label): void {
  emitReserveBlock(asm);
  asm.emit('ldr <Xt>, <label>', 'x16', dataWord(8 * handlerSlotLayout.handler));
  asm.emit('ldr <Xt>, <label>', 'x17', dataWord(8 * handlerSlotLayout.trampoline));
  asm.emit('b <label>', common);
}

/** Reserves the block and saves x16 and x17 in it, which are then free to use. */
export function emitReserveBlock(asm: Assembler): void {
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'sp', 'sp', savedSize);
  asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x16', 'x17', 'sp', savedOffsets.x16);
}

/** Emits the call of the handler, which x16 specifies, or of the code at `end`. It may change x16 and x17. */
type EmitCall = (asm: Assembler, end: Label) => void;

/** A slot loads the address of the handler into x16. */
const callX16: EmitCall = (asm) => asm.emit('blr <Xn>', 'x16');

/** Returns the common part. Only this part calls, so no other code needs unwind information. */
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

/** Returns the function `void restore(const struct saved_registers *)`. */
export function restoreContext(): Uint8Array {
  const asm = new Assembler();
  asm.emit('bti c');
  asm.emit('mov <Xd>, <Xm>', 'x17', 'x0');
  emitRestore(asm, new CfiBuilder()); // unused: the function calls nothing
  return asm.finish();
}

/** Saves all registers except x16 and x17 in the block at sp. Afterwards x0 and x1 are free to use. */
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

  // From here the unwinder uses the registers in the block, including changes by the handler.
  cfi.advanceTo(asm.position).cfaSavedAt({ register: dwarfSp, offset: savedOffsets.sp });
  cfi.registerSavedAt(returnAddress, { register: dwarfSp, offset: savedOffsets.pc });
  for (const name of savedPairs.flat()) {
    cfi.registerSavedAt(dwarfNumber(name), { register: dwarfSp, offset: savedOffsets[name] });
  }
}

/**
 * Loads all registers except x17 from the block at x17 and returns to the PC. With the new stack pointer, the block may
 * be below it, where a signal frame can overwrite it. So everything is in registers by then: d16, which is not
 * callee-saved (AAPCS64, section 6.1.2), holds x16.
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
