/**
 * The type `handler`: save all registers, call a C function with them, load what it left. In a nutshell:
 *
 * 1. A slot makes room for the block, puts x16 and x17 there, loads them with which handler and which trampoline it is,
 *    and branches to the part that all slots of a region share.
 * 2. That part stores every other register in the block and calls.
 * 3. Then it does what {@link resume} does as a function: it loads all registers from the block and *returns* into
 *    the PC that stands there. RET wants it in a register, and that is x17: every function may find there what a
 *    linker's veneer left (AAPCS64, section 6.1.1). So the PC can be a function, with the caller's x30 to return to.
 *
 * The block begins at the stack pointer, and ends where that was at the call: nothing below it is anybody's.
 */
import { handlerWords } from '../../trampoline/shape.js';
import { type Frame, FrameRules } from '../eh-frame.js';
import { Assembler } from './assembler.js';
import type { Label, Target } from './operands.js';
import { savedOffset, savedPairs, savedSize, savedVectorPairs } from './saved-registers.js';

/** Numbers of DWARF: x0 to x30 are 0 to 30. DWARF for the Arm 64-bit Architecture, section 4.1. */
const numberOf = (name: `x${number}`): number => Number(name.slice(1));
const stack = 31;
const returnAddress = numberOf('x30');

/** One slot; `data` is its own, `common` what all share. */
export function emitHandlerSlot(asm: Assembler, data: (byte: number) => Target, common: Label): void {
  emitMakeRoom(asm);
  asm.emit('ldr <Xt>, <label>', 'x16', data(8 * handlerWords.handler));
  asm.emit('ldr <Xt>, <label>', 'x17', data(8 * handlerWords.trampoline));
  asm.emit('b <label>', common);
}

/** The block on the stack, with x16 and x17 in it: they are free to use then. */
export function emitMakeRoom(asm: Assembler): void {
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'sp', 'sp', savedSize);
  asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x16', 'x17', 'sp', savedOffset.x16);
}

/** Calls the handler that x16 tells of, which may be what stands behind the common part. It may change x16 and x17. */
type EmitCall = (asm: Assembler, behind: Label) => void;

/** A slot loads its address. */
const itself: EmitCall = (asm) => asm.emit('blr <Xn>', 'x16');

/** The common part. It is the only part that calls, so an unwinder meets no other. */
export function handlerCommon(emitCall = itself): { bytes: Uint8Array; frame: Frame } {
  const asm = new Assembler();
  const rules = new FrameRules();
  const behind = asm.label();
  emitSave(asm, rules);
  asm.emit('mov <Xd|SP>, sp', 'x0');
  asm.emit('mov <Xd>, <Xm>', 'x1', 'x17');
  emitCall(asm, behind);
  asm.emit('mov <Xd|SP>, sp', 'x17');
  emitResume(asm, rules);
  asm.bind(behind);
  const bytes = asm.finish();
  return { bytes, frame: { start: 0, length: bytes.length, returnAddress, rules: rules.finish() } };
}

/** The function `resumeRegisters(block)`. */
export function resume(): Uint8Array {
  const asm = new Assembler();
  asm.emit('bti c');
  asm.emit('mov <Xd>, <Xm>', 'x17', 'x0');
  emitResume(asm, new FrameRules()); // which nobody needs: it calls nothing
  return asm.finish();
}

/** Stores everything in the block, which the stack pointer is at, but x16 and x17. x0 and x1 are free to use then. */
function emitSave(asm: Assembler, rules: FrameRules): void {
  rules.cfa({ register: stack, offset: savedSize });
  for (const [first, second] of savedPairs) {
    asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', first, second, 'sp', savedOffset[first]);
  }
  for (const [first, second] of savedVectorPairs) {
    asm.emit('stp <Qt1>, <Qt2>, [<Xn|SP>, #<simm>]', first, second, 'sp', savedOffset[first]);
  }
  asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x30', 'x30', 'sp', savedOffset.x30); // and pc
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x0', 'sp', savedSize);
  asm.emit('mrs <Xt>, nzcv', 'x1');
  asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x0', 'x1', 'sp', savedOffset.sp); // and flags

  // The block is the caller's state from here on, also for an unwinder: it goes on from what the handler left.
  rules.at(asm.position).cfaSaved({ register: stack, offset: savedOffset.sp });
  rules.saved(returnAddress, { register: stack, offset: savedOffset.pc });
  for (const name of savedPairs.flat()) {
    rules.saved(numberOf(name), { register: stack, offset: savedOffset[name] });
  }
}

/**
 * Loads every register but x17 from the block at x17 and returns. Once the stack pointer is the new one, the block may
 * lie below it, where the frame of a signal can be written: by then everything is in registers. x16 waits in d16, which
 * no function keeps for its caller (AAPCS64, section 6.1.2).
 */
function emitResume(asm: Assembler, rules: FrameRules): void {
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x16', 'x17', savedOffset.nzcv);
  asm.emit('msr nzcv, <Xt>', 'x16');
  asm.emit('ldr <Dt>, [<Xn|SP>, #<pimm>]', 'd16', 'x17', savedOffset.x16);
  for (const [first, second] of savedVectorPairs) {
    asm.emit('ldp <Qt1>, <Qt2>, [<Xn|SP>, #<simm>]', first, second, 'x17', savedOffset[first]);
  }
  for (const [first, second] of savedPairs) {
    asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', first, second, 'x17', savedOffset[first]);
  }
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x30', 'x17', savedOffset.x30);
  asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x17', 'x16', 'x17', savedOffset.pc); // and sp
  asm.emit('mov sp, <Xn|SP>', 'x16');
  rules.at(asm.position).cfa({ register: stack, offset: 0 });
  for (const name of savedPairs.flat()) rules.unchanged(numberOf(name));
  rules.inRegister(returnAddress, numberOf('x17'));
  asm.emit('fmov <Xd>, <Dn>', 'x16', 'd16');
  asm.emit('ret <Xn>', 'x17');
  asm.emit('brk #<imm>', 0);
}
