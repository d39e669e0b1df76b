/**
 * The type `handler`: save all registers, call a C function with them, load what it left. In a nutshell:
 *
 * 1. A slot steps over the red zone, pushes which handler and which trampoline it is, and jumps to the part that all
 *    slots of a region share. No register has changed until there. In supervised objects an entry does so: see
 *    `object-handlers.ts`.
 * 2. That part stores every register in a block on the stack, aligned, and calls.
 * 3. Then it does what {@link restoreContext} does as a function: it loads all registers from the block and *returns* into
 *    the PC that stands there. `ret` pops PC and stack pointer together, with nothing to hold them; it is what the
 *    processor predicts, and what a shadow stack allows, as long as the return address is the caller's.
 *
 * The stack, from the stack pointer at the call downwards:
 *
 *     +0     return address
 *     -128   the red zone: psABI, section 3.2.2
 *     -144   handler, trampoline
 *     -160   flags, rax
 *            the block, at a multiple of 16
 */
import { handlerSlotLayout } from '../../../core/shape.js';
import { CfiBuilder, type FrameDescription } from '../../eh-frame.js';
import { Assembler } from '../asm/assembler.js';
import type { Gpr64, Label, Memory } from '../asm/operands.js';
import { savedGeneral, savedOffsets, savedSize, savedVector } from './saved-registers.js';
import { redZone } from './stack.js';

/** Steps of the stack on the way in, in bytes below the stack pointer at the call. */
const entryFrame = { handler: redZone + 8, trampoline: redZone + 16, flags: redZone + 24, rax: redZone + 32 };

/**
 * What the way out puts on the new stack and takes off again: r15, flags, PC, and a word that only fills. It lies
 * below the red zone of the stack pointer at the call, and so below that of the one after it, 8 bytes higher.
 */
const exitFrame = { r15: 0, flags: 8, rip: 16, length: 32 };

/** From there to the new stack pointer. */
const exitFrameSize = exitFrame.length + redZone + 8;

/** Numbers of DWARF: psABI, figure 3.36. */
const dwarfRegisters = [
  ...(['rax', 'rdx', 'rcx', 'rbx', 'rsi', 'rdi', 'rbp', 'rsp'] as const),
  ...(['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'return address'] as const),
] as const;
const dwarfNumber = (name: (typeof dwarfRegisters)[number]): number => dwarfRegisters.indexOf(name);
const returnAddress = dwarfNumber('return address');

/** One slot; `data` is its own, `common` what all share. */
export function emitHandlerSlot(asm: Assembler, dataWord: (byte: number) => Memory, common: Label): void {
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -redZone });
  asm.emit('push r/m64', dataWord(8 * handlerSlotLayout.handler));
  asm.emit('push r/m64', dataWord(8 * handlerSlotLayout.trampoline));
  asm.emit('jmp rel32', common);
}

/** Where the common part finds what was pushed: which handler, and which trampoline. */
interface SlotWords {
  readonly handler: Memory;
  readonly trampoline: Memory;
}

/** Puts the trampoline's address into rsi, and returns what to call. It may change all registers but rdi. */
type FindHandler = (asm: Assembler, slotWords: SlotWords) => Gpr64 | Memory;

/** A slot pushes just that. */
const handlerFromSlot: FindHandler = (asm, { handler, trampoline }) => {
  asm.emit('mov r64, r/m64', 'rsi', trampoline);
  return handler;
};

/** The common part. It is the only part that calls, so an unwinder meets no other. */
export function handlerCommon(findHandler = handlerFromSlot): { bytes: Uint8Array; frame: FrameDescription } {
  const asm = new Assembler();
  const cfi = new CfiBuilder();
  emitSave(asm, cfi);
  asm.emit('mov r64, r/m64', 'rdi', 'rsp');
  const handler = findHandler(asm, {
    handler: { base: 'rax', displacement: -entryFrame.handler },
    trampoline: { base: 'rax', displacement: -entryFrame.trampoline },
  });
  asm.emit('cld'); // clear at every call: psABI, section 3.2.1
  asm.emit('call r/m64', handler);
  asm.emit('mov r64, r/m64', 'r15', 'rsp');
  emitRestore(asm, cfi);
  const bytes = asm.finish();
  return { bytes, frame: { start: 0, length: bytes.length, returnAddress, cfi: cfi.toBytes() } };
}

/** The function `restoreContextAddress(block)`. */
export function restoreContext(): Uint8Array {
  const asm = new Assembler();
  asm.emit('endbr64');
  asm.emit('mov r64, r/m64', 'r15', 'rdi');
  emitRestore(asm, new CfiBuilder()); // which nobody needs: it calls nothing
  return asm.finish();
}

/** Stores everything in the block, which the stack pointer is at in the end. rax: the stack pointer at the call. */
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

  // The block is the caller's state from here on, also for an unwinder: it goes on from what the handler left.
  cfi.advanceTo(asm.position).cfaSavedAt({ register: dwarfSp, offset: savedOffsets.rsp });
  cfi.registerSavedAt(returnAddress, { register: dwarfSp, offset: savedOffsets.rip });
  for (const name of savedGeneral) {
    cfi.registerSavedAt(dwarfNumber(name), { register: dwarfSp, offset: savedOffsets[name] });
  }
}

/**
 * Loads every register from the block at r15 and jumps. Once the stack pointer is the new one, the block may lie
 * below it, where the frame of a signal can be written: by then everything is in registers. Those that wait in
 * xmm8 and xmm9 stand one behind the other in the block.
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
