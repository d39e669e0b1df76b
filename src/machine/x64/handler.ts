/**
 * The type `handler`: save all registers, call a C function with them, load what it left. In a nutshell:
 *
 * 1. A slot steps over the red zone, pushes which handler and which trampoline it is, and jumps to the part that all
 *    slots of a region share. No register has changed until there. In supervised objects an entry does so: see
 *    `object-handlers.ts`.
 * 2. That part stores every register in a block on the stack, aligned, and calls.
 * 3. Then it does what {@link resume} does as a function: it loads all registers from the block and *returns* into
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
import { handlerWords } from '../../trampoline/shape.js';
import { type Frame, FrameRules } from '../eh-frame.js';
import { Assembler } from './assembler.js';
import type { Gpr64, Label, Memory } from './operands.js';
import { savedGeneral, savedOffset, savedSize, savedVector } from './saved-registers.js';
import { redZone } from './stack.js';

/** Steps of the stack on the way in, in bytes below the stack pointer at the call. */
const pushed = { handler: redZone + 8, trampoline: redZone + 16, flags: redZone + 24, rax: redZone + 32 };

/**
 * What the way out puts on the new stack and takes off again: r15, flags, PC, and a word that only fills. It lies
 * below the red zone of the stack pointer at the call, and so below that of the one after it, 8 bytes higher.
 */
const popped = { r15: 0, flags: 8, rip: 16, length: 32 };

/** From there to the new stack pointer. */
const top = popped.length + redZone + 8;

/** Numbers of DWARF: psABI, figure 3.36. */
const dwarf = [
  ...(['rax', 'rdx', 'rcx', 'rbx', 'rsi', 'rdi', 'rbp', 'rsp'] as const),
  ...(['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'return address'] as const),
] as const;
const numberOf = (name: (typeof dwarf)[number]): number => dwarf.indexOf(name);
const returnAddress = numberOf('return address');

/** One slot; `data` is its own, `common` what all share. */
export function emitHandlerSlot(asm: Assembler, data: (byte: number) => Memory, common: Label): void {
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -redZone });
  asm.emit('push r/m64', data(8 * handlerWords.handler));
  asm.emit('push r/m64', data(8 * handlerWords.trampoline));
  asm.emit('jmp rel32', common);
}

/** Where the common part finds what was pushed: which handler, and which trampoline. */
interface Pushed {
  readonly handler: Memory;
  readonly trampoline: Memory;
}

/** Puts the trampoline's address into rsi, and returns what to call. It may change all registers but rdi. */
type FindHandler = (asm: Assembler, pushed: Pushed) => Gpr64 | Memory;

/** A slot pushes just that. */
const asPushed: FindHandler = (asm, { handler, trampoline }) => {
  asm.emit('mov r64, r/m64', 'rsi', trampoline);
  return handler;
};

/** The common part. It is the only part that calls, so an unwinder meets no other. */
export function handlerCommon(find = asPushed): { bytes: Uint8Array; frame: Frame } {
  const asm = new Assembler();
  const rules = new FrameRules();
  emitSave(asm, rules);
  asm.emit('mov r64, r/m64', 'rdi', 'rsp');
  const handler = find(asm, {
    handler: { base: 'rax', displacement: -pushed.handler },
    trampoline: { base: 'rax', displacement: -pushed.trampoline },
  });
  asm.emit('cld'); // clear at every call: psABI, section 3.2.1
  asm.emit('call r/m64', handler);
  asm.emit('mov r64, r/m64', 'r15', 'rsp');
  emitResume(asm, rules);
  const bytes = asm.finish();
  return { bytes, frame: { start: 0, length: bytes.length, returnAddress, rules: rules.finish() } };
}

/** The function `resumeRegisters(block)`. */
export function resume(): Uint8Array {
  const asm = new Assembler();
  asm.emit('endbr64');
  asm.emit('mov r64, r/m64', 'r15', 'rdi');
  emitResume(asm, new FrameRules()); // which nobody needs: it calls nothing
  return asm.finish();
}

/** Stores everything in the block, which the stack pointer is at in the end. rax: the stack pointer at the call. */
function emitSave(asm: Assembler, rules: FrameRules): void {
  const stack = numberOf('rsp');
  const place = (name: keyof typeof savedOffset): Memory => ({
    base: 'rsp',
    displacement: savedOffset[name],
  });
  const copy = (name: 'rax' | 'rip' | 'rflags', displacement: number) => {
    asm.emit('mov r64, r/m64', 'rcx', { base: 'rax', displacement });
    asm.emit('mov r/m64, r64', place(name), 'rcx');
  };

  rules.cfa({ register: stack, offset: pushed.trampoline + 8 }).savedBelowCfa(returnAddress, 8);
  asm.emit('pushfq');
  rules.at(asm.position).cfa({ register: stack, offset: pushed.flags + 8 });
  asm.emit('push r/m64', 'rax');
  rules.at(asm.position).cfa({ register: stack, offset: pushed.rax + 8 });
  rules.savedBelowCfa(numberOf('rax'), pushed.rax + 8);
  asm.emit('lea r64, m', 'rax', { base: 'rsp', displacement: pushed.rax });
  rules.at(asm.position).cfa({ register: numberOf('rax'), offset: 8 });
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -savedSize });
  asm.emit('and r/m64, imm8', 'rsp', -16);
  for (const name of savedGeneral) if (name !== 'rax') asm.emit('mov r/m64, r64', place(name), name);
  copy('rax', -pushed.rax);
  copy('rflags', -pushed.flags);
  copy('rip', 0);
  asm.emit('lea r64, m', 'rcx', { base: 'rax', displacement: 8 });
  asm.emit('mov r/m64, r64', place('rsp'), 'rcx');
  for (const name of savedVector) asm.emit('movups xmm/m128, xmm', place(name), name);

  // The block is the caller's state from here on, also for an unwinder: it goes on from what the handler left.
  rules.at(asm.position).cfaSaved({ register: stack, offset: savedOffset.rsp });
  rules.saved(returnAddress, { register: stack, offset: savedOffset.rip });
  for (const name of savedGeneral) {
    rules.saved(numberOf(name), { register: stack, offset: savedOffset[name] });
  }
}

/**
 * Loads every register from the block at r15 and jumps. Once the stack pointer is the new one, the block may lie
 * below it, where the frame of a signal can be written: by then everything is in registers. Those that wait in
 * xmm8 and xmm9 stand one behind the other in the block.
 */
function emitResume(asm: Assembler, rules: FrameRules): void {
  const block = numberOf('r15');
  const stack = numberOf('rsp');
  const place = (name: keyof typeof savedOffset): Memory => ({
    base: 'r15',
    displacement: savedOffset[name],
  });
  const below = (displacement: number): Memory => ({ base: 'rsp', displacement });

  for (const name of savedVector) asm.emit('movups xmm, xmm/m128', name, place(name));
  asm.emit('movups xmm, xmm/m128', 'xmm8', place('r15')); // and flags
  asm.emit('movups xmm, xmm/m128', 'xmm9', place('rip')); // and rsp
  const others = savedGeneral.filter((name): name is Exclude<Gpr64, 'rsp' | 'r15'> => name !== 'r15');
  for (const name of others) asm.emit('mov r64, r/m64', name, place(name));
  asm.emit('mov r64, r/m64', 'rsp', place('rsp'));
  rules.at(asm.position).cfa({ register: stack, offset: 0 });
  for (const name of others) rules.unchanged(numberOf(name));
  rules.saved(block, { register: block, offset: savedOffset.r15 });
  rules.saved(returnAddress, { register: block, offset: savedOffset.rip });
  asm.emit('lea r64, m', 'rsp', below(-top));
  rules.at(asm.position).cfa({ register: stack, offset: top });
  asm.emit('movups xmm/m128, xmm', below(popped.r15), 'xmm8');
  asm.emit('movups xmm/m128, xmm', below(popped.rip), 'xmm9');
  rules.at(asm.position).savedBelowCfa(block, top - popped.r15);
  rules.savedBelowCfa(returnAddress, top - popped.rip);
  asm.emit('pop r/m64', 'r15');
  rules
    .at(asm.position)
    .cfa({ register: stack, offset: top - popped.flags })
    .unchanged(block);
  asm.emit('popfq');
  rules.at(asm.position).cfa({ register: stack, offset: top - popped.rip });
  asm.emit('ret imm16', top - popped.rip - 8);
  asm.emit('int3');
}
