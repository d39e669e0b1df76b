/**
 * The SIGSEGV handler of slow trampolines.
 *
 * 1. It handles a fault only if the kernel reports it (`si_code > 0`), its address is the PC, and that is a live
 *    trampoline in an arena. Since arenas have no access, such a fault is an instruction fetch. Otherwise it chains to
 *    the previous action.
 * 2. The first word of the record is the address of the routine of its type. The routine checks the invocation, counts
 *    it and changes the registers in the signal frame.
 * 3. The handler writes the stack data and returns to `rt_sigreturn`. To complete without that, as on x86-64, would
 *    need an instruction that sets the PC without a register, and a kernel that preserves all vector and matrix state
 *    on signal entry, which it does not (Documentation/arch/arm64/sme.rst).
 *
 * It calls no functions, and accesses only its stack, the frame and its data. Since another handler may call it as a
 * function, it uses only caller-saved registers: AAPCS64, section 6.1.1.
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

/** On a match, x12 is the address of the record and x10 that of the counters. */
function emitClassify(
  asm: Assembler,
  { chain, controlField }: { chain: Label; controlField: ControlField },
): void {
  const [search, found] = [asm.label(), asm.label()];
  asm.emit('ldr <Wt>, [<Xn|SP>, #<pimm>]', 'w3', 'x1', SIGINFO.code);
  asm.emit('cmp <Wn|WSP>, #<imm>', 'w3', 0);
  asm.emit('b.<cond> <label>', 'le', chain); // sent by a process: the fault information of the frame is stale
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
  asm.emit('b.<cond> <label>', 'ne', chain); // not the start of a slot
  asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x11', 'x10', 'x4', arena.selectors); // and counters
  asm.emit('add <Xd>, <Xn>, <Xm>, lsl #<shift>', 'x10', 'x10', 'x9', 1);
  asm.emit('ldr <Xt>, [<Xn|SP>, <Xm>]', 'x12', 'x11', 'x9');
  asm.emit('cbz <Xt>, <label>', 'x12', chain); // free
  // The record was written before the selector. The address dependency keeps that order for loads.
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x16', 'x12', faultRecord.routine);
  asm.emit('br <Xn>', 'x16');
}

/**
 * Writes the stack data, and with SET_SP changes the stack pointer in the frame. Without an alternate stack, the data
 * overwrites the end of the frame, after the records of the kernel.
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

/** Acts as the previous action. A system call changes only x0. */
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
  // SIG_IGN: the kernel ignores a signal that was sent, but a fault kills the process.
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
  asm.emit('ret'); // a fault recurs

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

  // `struct kernel_sigaction`: handler, flags, restorer, mask. All zeros are SIG_DFL.
  asm.bind(defaultSigaction);
  asm.data(new Uint8Array(32));
}

function emitSystemCall(asm: Assembler, number: number): void {
  asm.emit('mov <Xd>, #<imm>', 'x8', number);
  asm.emit('svc #<imm>', 0);
}
