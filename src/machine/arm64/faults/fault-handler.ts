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
  controlBlock,
  FAULT_MAGIC,
  faultEntryOffset,
  faultRecord,
  hasStackData,
  slowStride,
  stackHeader,
} from '../../fault-control.js';
import { SIG_BLOCK, SIGINFO, SIGSEGV, signalSetSize } from '../../signal-constants.js';
import type { FaultHandlerCode } from '../../trampoline-code.js';
import { Assembler } from '../asm/assembler.js';
import type { Label, LabelRef } from '../asm/operands.js';
import { emitRestorer } from '../linux/restorer.js';
import { systemCalls } from '../linux/system-calls.js';
import { emitIncrementCounter, type FaultExits, type FaultType } from './fault-type.js';
import { ucontext } from './signal-frame.js';
import { user } from './user.js';

export const faultTypes: readonly FaultType[] = [user];

export function faultHandler(
  controlOffset: number,
  types: readonly FaultType[] = faultTypes,
): FaultHandlerCode {
  const asm = new Assembler();
  const controlLabel = asm.label(controlOffset);
  const controlField = (addend: number): LabelRef => ({ to: controlLabel, addend });
  const exits: FaultExits = { reject: asm.label(), complete: asm.label() };
  const chain = asm.label();

  asm.data(new Uint8Array(BigUint64Array.of(FAULT_MAGIC, BigInt(controlOffset)).buffer));
  if (asm.position !== faultEntryOffset) throw new Error('unexpected length of the fault handler header');
  asm.emit('bti c');
  emitClassify(asm, { chain, controlField });
  const routineOffsets = types.map(({ name, emit }) => {
    const position = asm.position;
    emit(asm, exits);
    return [name, position] as const;
  });
  asm.bind(exits.complete);
  emitStackData(asm);
  asm.emit('ret');
  asm.bind(exits.reject);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x10', 'x10', 8);
  emitIncrementCounter(asm);
  asm.bind(chain);
  emitChain(asm, controlField);
  const restorerOffset = emitRestorer(asm);
  return {
    key: 'fault-handler',
    bytes: asm.finish(),
    routineOffsets: Object.fromEntries(routineOffsets),
    restorerOffset,
  };
}

type ControlField = (addend: number) => LabelRef;

/** In the end the descriptor is in x12 and the counters are at x10. */
function emitClassify(
  asm: Assembler,
  { chain, controlField }: { chain: Label; controlField: ControlField },
): void {
  const [search, found] = [asm.label(), asm.label()];
  asm.emit('ldr <Wt>, [<Xn|SP>, #<pimm>]', 'w3', 'x1', SIGINFO.code);
  asm.emit('cmp <Wn|WSP>, #<imm>', 'w3', 0);
  asm.emit('b.<cond> <label>', 'le', chain); // sent by somebody: what the frame says of a fault is stale
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x3', 'x1', SIGINFO.address);
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x4', 'x2', ucontext.pc);
  asm.emit('cmp <Xn>, <Xm>', 'x3', 'x4');
  asm.emit('b.<cond> <label>', 'ne', chain);

  asm.emit('adr <Xd>, <label>', 'x4', controlField(controlBlock.arenaList));
  asm.emit('ldr <Xt>, <label>', 'x5', controlField(controlBlock.arenaCount));
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
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x16', 'x12', faultRecord.routine);
  asm.emit('br <Xn>', 'x16');
}

/**
 * Writes the stack data and moves the stack pointer in the frame if that is wanted. Where the handler has no stack of
 * its own, this is the end of the frame, behind the records that the kernel wrote there.
 */
function emitStackData(asm: Assembler): void {
  const [nextByte, skipAlign, done] = [asm.label(), asm.label(), asm.label()];
  const headerField = (offset: number) => ['x12', faultRecord.data + offset] as const;
  asm.emit('ldrh <Wt>, [<Xn|SP>, #<pimm>]', 'w3', 'x12', faultRecord.listsOffset);
  asm.emit('tbz <Wt>, #<bit>, <label>', 'w3', Math.log2(hasStackData), done);
  asm.emit('ldrh <Wt>, [<Xn|SP>, #<pimm>]', 'w3', ...headerField(stackHeader.size));
  asm.emit('ldrh <Wt>, [<Xn|SP>, #<pimm>]', 'w4', ...headerField(stackHeader.offset));
  asm.emit('ldr <Wt>, [<Xn|SP>, #<pimm>]', 'w5', ...headerField(stackHeader.setSp));
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x6', 'x2', ucontext.sp);
  asm.emit('sub <Xd>, <Xn>, <Xm>', 'x6', 'x6', 'x3');
  asm.emit('sub <Xd>, <Xn>, <Xm>', 'x6', 'x6', 'x4');
  asm.emit('cbz <Wt>, <label>', 'w5', skipAlign);
  asm.emit('and <Xd|SP>, <Xn>, #<mask>', 'x6', 'x6', -16);
  asm.emit('str <Xt>, [<Xn|SP>, #<pimm>]', 'x6', 'x2', ucontext.sp);
  asm.bind(skipAlign);
  asm.bind(nextByte);
  asm.emit('ldrb <Wt>, [<Xn|SP>], #<simm>', 'w4', 'x13', 1);
  asm.emit('strb <Wt>, [<Xn|SP>], #<simm>', 'w4', 'x6', 1);
  asm.emit('subs <Xd>, <Xn|SP>, #<imm>', 'x3', 'x3', 1);
  asm.emit('b.<cond> <label>', 'ne', nextByte);
  asm.bind(done);
}

/** Does what the action before us would have done. A system call changes x0 only. */
function emitChain(asm: Assembler, controlField: ControlField): void {
  const [defaultAction, callHandler, requeue] = [asm.label(), asm.label(), asm.label()];
  const [defaultSigaction, done] = [asm.label(), asm.label()];
  const emitCompareCode = () => {
    asm.emit('ldr <Wt>, [<Xn|SP>, #<pimm>]', 'w3', 'x9', SIGINFO.code);
    asm.emit('cmp <Wn|WSP>, #<imm>', 'w3', 0);
  };
  asm.emit('mov <Xd>, <Xm>', 'x9', 'x1');
  asm.emit('mov <Xd>, <Xm>', 'x10', 'x2');
  asm.emit('ldr <Xt>, <label>', 'x16', controlField(controlBlock.previousHandler));
  asm.emit('cmp <Xn|SP>, #<imm>', 'x16', 1);
  asm.emit('b.<cond> <label>', 'hi', callHandler);
  asm.emit('b.<cond> <label>', 'cc', defaultAction);
  // Ignored: the kernel ignores what was sent, but a fault kills all the same.
  emitCompareCode();
  asm.emit('b.<cond> <label>', 'le', done);

  asm.bind(defaultAction);
  asm.emit('mov <Xd>, #<imm>', 'x0', SIGSEGV);
  asm.emit('adr <Xd>, <label>', 'x1', defaultSigaction);
  asm.emit('mov <Xd>, #<imm>', 'x2', 0);
  asm.emit('mov <Xd>, #<imm>', 'x3', signalSetSize);
  emitSystemCall(asm, systemCalls.rt_sigaction);
  emitCompareCode();
  asm.emit('b.<cond> <label>', 'le', requeue);
  asm.bind(done);
  asm.emit('ret'); // and a fault happens again

  asm.bind(requeue);
  emitSystemCall(asm, systemCalls.gettid);
  asm.emit('mov <Xd>, <Xm>', 'x1', 'x0');
  emitSystemCall(asm, systemCalls.getpid);
  asm.emit('mov <Xd>, #<imm>', 'x2', SIGSEGV);
  asm.emit('mov <Xd>, <Xm>', 'x3', 'x9');
  emitSystemCall(asm, systemCalls.rt_tgsigqueueinfo);
  asm.emit('ret');

  asm.bind(callHandler);
  asm.emit('mov <Xd>, #<imm>', 'x0', SIG_BLOCK);
  asm.emit('adr <Xd>, <label>', 'x1', controlField(controlBlock.previousMask));
  asm.emit('mov <Xd>, #<imm>', 'x2', 0);
  asm.emit('mov <Xd>, #<imm>', 'x3', signalSetSize);
  emitSystemCall(asm, systemCalls.rt_sigprocmask);
  asm.emit('mov <Xd>, #<imm>', 'x0', SIGSEGV);
  asm.emit('mov <Xd>, <Xm>', 'x1', 'x9');
  asm.emit('mov <Xd>, <Xm>', 'x2', 'x10');
  asm.emit('br <Xn>', 'x16');

  // `struct kernel_sigaction`: handler, flags, restorer, mask; all zeros is the default.
  asm.bind(defaultSigaction);
  asm.data(new Uint8Array(32));
}

function emitSystemCall(asm: Assembler, number: number): void {
  asm.emit('mov <Xd>, #<imm>', 'x8', number);
  asm.emit('svc #<imm>', 0);
}
