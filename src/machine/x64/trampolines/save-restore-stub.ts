/**
 * The type `handler`: saves all registers, calls a C function with them, and loads the registers that it left.
 *
 * 1. A slot moves the stack pointer below the red zone, pushes the addresses of the handler and of the trampoline, and
 *    jumps to the common part. All other registers are still unchanged. In supervised objects an entry does this: see
 *    `handler-entries.ts`.
 * 2. The common part stores every register in an aligned block on the stack and calls the handler.
 * 3. It then does what {@link restoreContext} does as a function: it loads all registers from the block and *returns*
 *    to the PC stored there. `ret` loads PC and stack pointer at once, without a register for either. If the PC is the
 *    caller's return address, the processor predicts it, and a shadow stack allows it.
 *
 * The stack, downwards from the stack pointer at the call:
 *
 *     +0     return address
 *     -128   red zone: psABI, section 3.2.2
 *     -144   handler, trampoline
 *     -160   flags, rax
 *            block, at a multiple of 16
 */
import { handlerSlotLayout } from '../../../core/shape.js';
import { CfiBuilder, type FrameDescription } from '../../eh-frame.js';
import { Assembler } from '../asm/assembler.js';
import type { Gpr64, Label, Memory } from '../asm/operands.js';
import { savedGeneral, savedOffsets, savedSize, savedVector } from './saved-registers.js';
import { redZone } from './stack.js';

/** Words pushed on entry: offsets in bytes below the stack pointer at the call. */
const entryFrame = { handler: redZone + 8, trampoline: redZone + 16, flags: redZone + 24, rax: redZone + 32 };

/**
 * Words that the restore code writes to the new stack and pops: r15, flags, PC and padding. They are below the red zone
 * of the stack pointer at the call, and so below that of the stack pointer after it, 8 bytes higher.
 */
const exitFrame = { r15: 0, flags: 8, rip: 16, length: 32 };

/** Bytes from the exit frame to the new stack pointer. */
const exitFrameSize = exitFrame.length + redZone + 8;

/** Registers in the order of their DWARF numbers: psABI, figure 3.36. */
const dwarfRegisters = [
  ...(['rax', 'rdx', 'rcx', 'rbx', 'rsi', 'rdi', 'rbp', 'rsp'] as const),
  ...(['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'return address'] as const),
] as const;
const dwarfNumber = (name: (typeof dwarfRegisters)[number]): number => dwarfRegisters.indexOf(name);
const returnAddress = dwarfNumber('return address');

/** Emits one slot, which jumps to the common part. */
export function emitHandlerSlot(asm: Assembler, dataWord: (byte: number) => Memory, common: Label): void {
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -redZone });
  asm.emit('push r/m64', dataWord(8 * handlerSlotLayout.handler));
  asm.emit('push r/m64', dataWord(8 * handlerSlotLayout.trampoline));
  asm.emit('jmp rel32', common);
}

/** The words that a slot has pushed. */
interface SlotWords {
  readonly handler: Memory;
  readonly trampoline: Memory;
}

/**
 * Loads the trampoline's address into rsi and returns the operand of the call. It may change all registers except rdi.
 */
type FindHandler = (asm: Assembler, slotWords: SlotWords) => Gpr64 | Memory;

/** A slot pushes both addresses. */
const handlerFromSlot: FindHandler = (asm, { handler, trampoline }) => {
  asm.emit('mov r64, r/m64', 'rsi', trampoline);
  return handler;
};

/** Returns the common part. Only this part calls, so no other code needs unwind information. */
export function handlerCommon(findHandler = handlerFromSlot): { bytes: Uint8Array; frame: FrameDescription } {
  const asm = new Assembler();
  const cfi = new CfiBuilder();
  emitSave(asm, cfi);
  asm.emit('mov r64, r/m64', 'rdi', 'rsp');
  const handler = findHandler(asm, {
    handler: { base: 'rax', displacement: -entryFrame.handler },
    trampoline: { base: 'rax', displacement: -entryFrame.trampoline },
  });
  asm.emit('cld'); // DF is clear at every call: psABI, section 3.2.1
  asm.emit('call r/m64', handler);
  asm.emit('mov r64, r/m64', 'r15', 'rsp');
  emitRestore(asm, cfi);
  const bytes = asm.finish();
  return { bytes, frame: { start: 0, length: bytes.length, returnAddress, cfi: cfi.toBytes() } };
}

/** Returns the function `void restore(const struct saved_registers *)`. */
export function restoreContext(): Uint8Array {
  const asm = new Assembler();
  asm.emit('endbr64');
  asm.emit('mov r64, r/m64', 'r15', 'rdi');
  emitRestore(asm, new CfiBuilder()); // unused: the function calls nothing
  return asm.finish();
}

/** Saves all registers. Afterwards rsp is the address of the block, and rax is the stack pointer at the call. */
function emitSave(asm: Assembler, cfi: CfiBuilder): void {
  const dwarfSp = dwarfNumber('rsp');
  const blockField = (name: keyof typeof savedOffsets): Memory => ({
    base: 'rsp',
    displacement: savedOffsets[name],
  });
  const copyWord = (name: 'rax' | 'rip' | 'rflags', displacement: number) => {
    asm.emit('mov r64, r/m64', 'rcx', { base: 'rax', displacement });
    asm.emit('mov r/m64, r64', blockField(name), 'rcx');
  };

  cfi
    .defineCfa({ register: dwarfSp, offset: entryFrame.trampoline + 8 })
    .registerSavedBelowCfa(returnAddress, 8);
  asm.emit('pushfq');
  cfi.advanceTo(asm.position).defineCfa({ register: dwarfSp, offset: entryFrame.flags + 8 });
  asm.emit('push r/m64', 'rax');
  cfi.advanceTo(asm.position).defineCfa({ register: dwarfSp, offset: entryFrame.rax + 8 });
  cfi.registerSavedBelowCfa(dwarfNumber('rax'), entryFrame.rax + 8);
  asm.emit('lea r64, m', 'rax', { base: 'rsp', displacement: entryFrame.rax });
  cfi.advanceTo(asm.position).defineCfa({ register: dwarfNumber('rax'), offset: 8 });
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -savedSize });
  asm.emit('and r/m64, imm8', 'rsp', -16);
  for (const name of savedGeneral) if (name !== 'rax') asm.emit('mov r/m64, r64', blockField(name), name);
  copyWord('rax', -entryFrame.rax);
  copyWord('rflags', -entryFrame.flags);
  copyWord('rip', 0);
  asm.emit('lea r64, m', 'rcx', { base: 'rax', displacement: 8 });
  asm.emit('mov r/m64, r64', blockField('rsp'), 'rcx');
  for (const name of savedVector) asm.emit('movups xmm/m128, xmm', blockField(name), name);

  // From here the unwinder uses the registers in the block, including changes by the handler.
  cfi.advanceTo(asm.position).cfaSavedAt({ register: dwarfSp, offset: savedOffsets.rsp });
  cfi.registerSavedAt(returnAddress, { register: dwarfSp, offset: savedOffsets.rip });
  for (const name of savedGeneral) {
    cfi.registerSavedAt(dwarfNumber(name), { register: dwarfSp, offset: savedOffsets[name] });
  }
}

/**
 * Loads all registers from the block at r15 and jumps. With the new stack pointer, the block may be below it, where a
 * signal frame can overwrite it. So everything is in registers by then: xmm8 and xmm9 hold two adjacent words each.
 */
function emitRestore(asm: Assembler, cfi: CfiBuilder): void {
  const dwarfR15 = dwarfNumber('r15');
  const dwarfSp = dwarfNumber('rsp');
  const blockField = (name: keyof typeof savedOffsets): Memory => ({
    base: 'r15',
    displacement: savedOffsets[name],
  });
  const exitField = (displacement: number): Memory => ({ base: 'rsp', displacement });

  for (const name of savedVector) asm.emit('movups xmm, xmm/m128', name, blockField(name));
  asm.emit('movups xmm, xmm/m128', 'xmm8', blockField('r15')); // and flags
  asm.emit('movups xmm, xmm/m128', 'xmm9', blockField('rip')); // and rsp
  const allButR15 = savedGeneral.filter((name): name is Exclude<Gpr64, 'rsp' | 'r15'> => name !== 'r15');
  for (const name of allButR15) asm.emit('mov r64, r/m64', name, blockField(name));
  asm.emit('mov r64, r/m64', 'rsp', blockField('rsp'));
  cfi.advanceTo(asm.position).defineCfa({ register: dwarfSp, offset: 0 });
  for (const name of allButR15) cfi.registerUnchanged(dwarfNumber(name));
  cfi.registerSavedAt(dwarfR15, { register: dwarfR15, offset: savedOffsets.r15 });
  cfi.registerSavedAt(returnAddress, { register: dwarfR15, offset: savedOffsets.rip });
  asm.emit('lea r64, m', 'rsp', exitField(-exitFrameSize));
  cfi.advanceTo(asm.position).defineCfa({ register: dwarfSp, offset: exitFrameSize });
  asm.emit('movups xmm/m128, xmm', exitField(exitFrame.r15), 'xmm8');
  asm.emit('movups xmm/m128, xmm', exitField(exitFrame.rip), 'xmm9');
  cfi.advanceTo(asm.position).registerSavedBelowCfa(dwarfR15, exitFrameSize - exitFrame.r15);
  cfi.registerSavedBelowCfa(returnAddress, exitFrameSize - exitFrame.rip);
  asm.emit('pop r/m64', 'r15');
  cfi
    .advanceTo(asm.position)
    .defineCfa({ register: dwarfSp, offset: exitFrameSize - exitFrame.flags })
    .registerUnchanged(dwarfR15);
  asm.emit('popfq');
  cfi.advanceTo(asm.position).defineCfa({ register: dwarfSp, offset: exitFrameSize - exitFrame.rip });
  asm.emit('ret imm16', exitFrameSize - exitFrame.rip - 8);
  asm.emit('int3');
}
