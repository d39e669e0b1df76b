/**
 * The SIGSEGV handler behind slow trampolines. In a nutshell:
 *
 * 1. Is this a fault of ours? The kernel says so (`si_code > 0`), the address is the PC, and that of a live trampoline
 *    in one of the arenas. Since an arena has no access, who is there was fetching an instruction. Anything
 *    else goes to the action that stood before, as if we were not there.
 * 2. The descriptor's first word is the routine of its type. It checks, counts, and changes the registers in the
 *    signal frame.
 * 3. The handler writes the stack data and returns, to `sigreturn`. To leave without that, as on x86-64, would
 *    take an instruction that sets the PC and needs no register; and the kernel would have to leave all vector and
 *    matrix state alone when it calls a handler, which it does not (Documentation/arch/arm64/sme.rst).
 *
 * It makes no calls, and touches no memory but its stack and what it was given to read. Since another handler may
 * call it like a function, it uses only registers that a function may change: AAPCS64, section 6.1.1.
 */
import {
  arena,
  control,
  descriptor,
  faultEntryAt,
  faultMagic,
  slowStride,
  stackWord,
} from '../fault-control.js';
import type { FaultHandlerCode } from '../machine.js';
import { Assembler } from './assembler.js';
import { user } from './fault-types/user.js';
import type { Label, Target } from './operands.js';
import { emitRestorer } from './restorer.js';
import { siginfo, ucontext } from './signal-frame.js';
import { systemCalls } from './system-calls.js';

/** Places that the routine of a type can go on to. */
export interface FaultExits {
  /** Count a refusal at x10; the fault becomes the program's own. The frame, x1 and x2 must be as they were. */
  readonly refuse: Label;
  /** Go on with the registers in the frame (x2), the descriptor in x12 and stack data, if any, at x13. */
  readonly leave: Label;
}

/** A type of trampoline, as the handler runs it. */
export interface FaultType {
  readonly name: string;
  emit(asm: Assembler, exits: FaultExits): void;
}

export const faultTypes: readonly FaultType[] = [user];

const SIGSEGV = 11;
const SIG_BLOCK = 0;
const signalSetSize = 8;

export function faultHandler(controlAt: number, types: readonly FaultType[] = faultTypes): FaultHandlerCode {
  const asm = new Assembler();
  const block = asm.label(controlAt);
  const at = (addend: number): Target => ({ to: block, addend });
  const exits: FaultExits = { refuse: asm.label(), leave: asm.label() };
  const chain = asm.label();

  asm.data(new Uint8Array(BigUint64Array.of(faultMagic, BigInt(controlAt)).buffer));
  if (asm.position !== faultEntryAt) throw new Error('the head of the handler has another length');
  asm.emit('bti c');
  emitRecognition(asm, { chain, at });
  const places = types.map(({ name, emit }) => {
    const position = asm.position;
    emit(asm, exits);
    return [name, position] as const;
  });
  asm.bind(exits.leave);
  emitStackData(asm);
  asm.emit('ret');
  asm.bind(exits.refuse);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x10', 'x10', 8);
  emitCount(asm);
  asm.bind(chain);
  emitChain(asm, at);
  const restorerAt = emitRestorer(asm);
  return { key: 'fault-handler', bytes: asm.finish(), types: Object.fromEntries(places), restorerAt };
}

type At = (addend: number) => Target;

/** In the end the descriptor is in x12 and the counters are at x10. */
function emitRecognition(asm: Assembler, { chain, at }: { chain: Label; at: At }): void {
  const [search, found] = [asm.label(), asm.label()];
  asm.emit('ldr <Wt>, [<Xn|SP>, #<pimm>]', 'w3', 'x1', siginfo.code);
  asm.emit('cmp <Wn|WSP>, #<imm>', 'w3', 0);
  asm.emit('b.<cond> <label>', 'le', chain); // sent by somebody: what the frame says of a fault is stale
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x3', 'x1', siginfo.address);
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x4', 'x2', ucontext.pc);
  asm.emit('cmp <Xn>, <Xm>', 'x3', 'x4');
  asm.emit('b.<cond> <label>', 'ne', chain);

  asm.emit('adr <Xd>, <label>', 'x4', at(control.list));
  asm.emit('ldr <Xt>, <label>', 'x5', at(control.arenas));
  asm.bind(search);
  asm.emit('cbz <Xt>, <label>', 'x5', chain);
  asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x6', 'x7', 'x4', arena.base); // and length
  asm.emit('sub <Xd>, <Xn>, <Xm>', 'x9', 'x3', 'x6');
  asm.emit('cmp <Xn>, <Xm>', 'x9', 'x7');
  asm.emit('b.<cond> <label>', 'cc', found);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x4', 'x4', arena.size);
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'x5', 'x5', 1);
  asm.emit('b <label>', search);

  asm.bind(found);
  asm.emit('tst <Xn>, #<mask>', 'x9', slowStride - 1);
  asm.emit('b.<cond> <label>', 'ne', chain); // in the middle of a slot
  asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x11', 'x10', 'x4', arena.selectors); // and counters
  asm.emit('add <Xd>, <Xn>, <Xm>, lsl #<shift>', 'x10', 'x10', 'x9', 1);
  asm.emit('ldr <Xt>, [<Xn|SP>, <Xm>]', 'x12', 'x11', 'x9');
  asm.emit('cbz <Xt>, <label>', 'x12', chain); // free
  // What the descriptor holds was written before the selector; an address that depends on it keeps that order.
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x16', 'x12', descriptor.type);
  asm.emit('br <Xn>', 'x16');
}

/** Adds one to the counter at x10. */
export function emitCount(asm: Assembler): void {
  const again = asm.label();
  asm.bind(again);
  asm.emit('ldxr <Xt>, [<Xn|SP>]', 'x3', 'x10');
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x3', 'x3', 1);
  asm.emit('stxr <Ws>, <Xt>, [<Xn|SP>]', 'w4', 'x3', 'x10');
  asm.emit('cbnz <Wt>, <label>', 'w4', again);
}

/**
 * Writes the stack data and moves the stack pointer in the frame if that is wanted. Where the handler has no stack of
 * its own, this is the end of the frame, behind the records that the kernel wrote there.
 */
function emitStackData(asm: Assembler): void {
  const [next, keep, done] = [asm.label(), asm.label(), asm.label()];
  const field = (offset: number) => ['x12', descriptor.data + offset] as const;
  asm.emit('ldrh <Wt>, [<Xn|SP>, #<pimm>]', 'w3', 'x12', descriptor.lists);
  asm.emit('tbz <Wt>, #<bit>, <label>', 'w3', 0, done);
  asm.emit('ldrh <Wt>, [<Xn|SP>, #<pimm>]', 'w3', ...field(stackWord.size));
  asm.emit('ldrh <Wt>, [<Xn|SP>, #<pimm>]', 'w4', ...field(stackWord.offset));
  asm.emit('ldr <Wt>, [<Xn|SP>, #<pimm>]', 'w5', ...field(stackWord.setSp));
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x6', 'x2', ucontext.sp);
  asm.emit('sub <Xd>, <Xn>, <Xm>', 'x6', 'x6', 'x3');
  asm.emit('sub <Xd>, <Xn>, <Xm>', 'x6', 'x6', 'x4');
  asm.emit('cbz <Wt>, <label>', 'w5', keep);
  asm.emit('and <Xd|SP>, <Xn>, #<mask>', 'x6', 'x6', -16);
  asm.emit('str <Xt>, [<Xn|SP>, #<pimm>]', 'x6', 'x2', ucontext.sp);
  asm.bind(keep);
  asm.bind(next);
  asm.emit('ldrb <Wt>, [<Xn|SP>], #<simm>', 'w4', 'x13', 1);
  asm.emit('strb <Wt>, [<Xn|SP>], #<simm>', 'w4', 'x6', 1);
  asm.emit('subs <Xd>, <Xn|SP>, #<imm>', 'x3', 'x3', 1);
  asm.emit('b.<cond> <label>', 'ne', next);
  asm.bind(done);
}

/** Does what the action before us would have done. A system call changes x0 only. */
function emitChain(asm: Assembler, at: At): void {
  const [byDefault, handled, sent] = [asm.label(), asm.label(), asm.label()];
  const [zeros, done] = [asm.label(), asm.label()];
  const compareCode = () => {
    asm.emit('ldr <Wt>, [<Xn|SP>, #<pimm>]', 'w3', 'x9', siginfo.code);
    asm.emit('cmp <Wn|WSP>, #<imm>', 'w3', 0);
  };
  asm.emit('mov <Xd>, <Xm>', 'x9', 'x1');
  asm.emit('mov <Xd>, <Xm>', 'x10', 'x2');
  asm.emit('ldr <Xt>, <label>', 'x16', at(control.previous));
  asm.emit('cmp <Xn|SP>, #<imm>', 'x16', 1);
  asm.emit('b.<cond> <label>', 'hi', handled);
  asm.emit('b.<cond> <label>', 'cc', byDefault);
  // Ignored: the kernel ignores what was sent, but a fault kills all the same.
  compareCode();
  asm.emit('b.<cond> <label>', 'le', done);

  asm.bind(byDefault);
  asm.emit('mov <Xd>, #<imm>', 'x0', SIGSEGV);
  asm.emit('adr <Xd>, <label>', 'x1', zeros);
  asm.emit('mov <Xd>, #<imm>', 'x2', 0);
  asm.emit('mov <Xd>, #<imm>', 'x3', signalSetSize);
  emitSystemCall(asm, systemCalls.rt_sigaction);
  compareCode();
  asm.emit('b.<cond> <label>', 'le', sent);
  asm.bind(done);
  asm.emit('ret'); // and a fault happens again

  asm.bind(sent);
  emitSystemCall(asm, systemCalls.gettid);
  asm.emit('mov <Xd>, <Xm>', 'x1', 'x0');
  emitSystemCall(asm, systemCalls.getpid);
  asm.emit('mov <Xd>, #<imm>', 'x2', SIGSEGV);
  asm.emit('mov <Xd>, <Xm>', 'x3', 'x9');
  emitSystemCall(asm, systemCalls.rt_tgsigqueueinfo);
  asm.emit('ret');

  asm.bind(handled);
  asm.emit('mov <Xd>, #<imm>', 'x0', SIG_BLOCK);
  asm.emit('adr <Xd>, <label>', 'x1', at(control.previousMask));
  asm.emit('mov <Xd>, #<imm>', 'x2', 0);
  asm.emit('mov <Xd>, #<imm>', 'x3', signalSetSize);
  emitSystemCall(asm, systemCalls.rt_sigprocmask);
  asm.emit('mov <Xd>, #<imm>', 'x0', SIGSEGV);
  asm.emit('mov <Xd>, <Xm>', 'x1', 'x9');
  asm.emit('mov <Xd>, <Xm>', 'x2', 'x10');
  asm.emit('br <Xn>', 'x16');

  // `struct kernel_sigaction`: handler, flags, restorer, mask; all zeros is the default.
  asm.bind(zeros);
  asm.data(new Uint8Array(32));
}

function emitSystemCall(asm: Assembler, number: number): void {
  asm.emit('mov <Xd>, #<imm>', 'x8', number);
  asm.emit('svc #<imm>', 0);
}
