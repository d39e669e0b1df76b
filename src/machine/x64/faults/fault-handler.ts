/**
 * The SIGSEGV handler of slow trampolines.
 *
 * 1. It handles a fault only if the kernel reports an instruction fetch at the PC (`si_code > 0`) and the address is
 *    that of a live trampoline in an arena. Otherwise it chains to the previous action.
 * 2. The first word of the record is the address of the routine of its type. The routine checks the invocation, counts
 *    it and changes the registers in the signal frame.
 * 3. The handler completes without the system call `rt_sigreturn`: it restores the FPU state (the kernel resets it on
 *    signal entry), writes the stack data, loads all registers from the frame, and jumps with IRETQ, which sets flags,
 *    stack pointer and PC at once. `rt_sigreturn` would have nothing else to restore: no signal is blocked during the
 *    handler, and the kernel determines from the stack pointer whether the alternate stack is in use. If there is more
 *    to restore (SS_AUTODISARM, a shadow stack, a handler of the program that called this one), it returns instead, and
 *    `rt_sigreturn` follows.
 *
 * It calls no functions, and accesses only its stack, the frame and its data. Since another handler may call it as a
 * function, it returns with all callee-saved registers restored: psABI, section 3.2.1.
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
import type { Gpr64, Label, Memory } from '../asm/operands.js';
import { emitRestorer } from '../linux/restorer.js';
import { systemCalls } from '../linux/system-calls.js';
import { returnAddressGap, setSpAlignment } from '../trampolines/stack.js';
import type { FaultExits, FaultType } from './fault-type.js';
import {
  fpstate,
  frameOffset,
  frameRegisters,
  SS_AUTODISARM,
  segmentSelectors,
  ucontext,
  X86_EFLAGS_NT,
  X86_PF_INSTR,
} from './signal-frame.js';
import { frameOffsets, user } from './user.js';

export const faultTypes: readonly FaultType[] = [user];

/** Callee-saved registers that routines use. They are on the stack while a routine runs. */
const calleeSaved = ['rbx', 'rbp', 'r12', 'r13', 'r14'] as const;

export function faultHandler(
  controlOffset: number,
  types: readonly FaultType[] = faultTypes,
): FaultHandlerCode {
  const asm = new Assembler();
  const controlLabel = asm.label(controlOffset);
  const controlField = (addend: number): Memory => ({ to: controlLabel, addend });
  const exits: FaultExits = { reject: asm.label(), complete: asm.label(), offsetTable: asm.label() };
  const chain = asm.label();

  asm.data(new Uint8Array(BigUint64Array.of(FAULT_MAGIC, BigInt(controlOffset)).buffer));
  if (asm.position !== faultEntryOffset) throw new Error('unexpected length of the fault handler header');
  asm.emit('endbr64');
  emitClassify(asm, { chain, controlField });
  const routineOffsets = types.map(({ name, emit }) => {
    const position = asm.position;
    emit(asm, exits);
    return [name, position] as const;
  });
  asm.bind(exits.complete);
  const restorer = asm.label();
  emitComplete(asm, { controlField, restorer });
  asm.bind(exits.reject);
  emitRestoreCalleeSaved(asm);
  asm.emit('lock add m64, imm8', { base: 'r10', displacement: 8 }, 1);
  asm.bind(chain);
  emitChain(asm, controlField);
  asm.bind(exits.offsetTable);
  asm.data(frameOffsets());
  asm.bind(restorer);
  const restorerOffset = emitRestorer(asm);
  return {
    key: 'fault-handler',
    bytes: asm.finish(),
    routineOffsets: Object.fromEntries(routineOffsets),
    restorerOffset,
  };
}

type ControlField = (addend: number) => Memory;

function emitClassify(
  asm: Assembler,
  { chain, controlField }: { chain: Label; controlField: ControlField },
): void {
  const [search, found] = [asm.label(), asm.label()];
  asm.emit('cmp r/m32, imm32', { base: 'rsi', displacement: SIGINFO.code }, 0);
  asm.emit('jle rel32', chain); // sent by a process: the fault information of the frame is stale
  asm.emit('mov r64, r/m64', 'rax', { base: 'rdx', displacement: frameOffset('rip') });
  asm.emit('cmp r64, r/m64', 'rax', { base: 'rsi', displacement: SIGINFO.address });
  asm.emit('jne rel32', chain);
  asm.emit('test r/m32, imm32', { base: 'rdx', displacement: frameOffset('error') }, X86_PF_INSTR);
  asm.emit('je rel32', chain);

  asm.emit('lea r64, m', 'r8', controlField(controlBlock.arenaList));
  asm.emit('mov r64, r/m64', 'rcx', controlField(controlBlock.arenaCount));
  asm.bind(search);
  asm.emit('test r/m64, r64', 'rcx', 'rcx');
  asm.emit('je rel32', chain);
  asm.emit('mov r64, r/m64', 'r9', 'rax');
  asm.emit('sub r64, r/m64', 'r9', { base: 'r8', displacement: arena.base });
  asm.emit('cmp r64, r/m64', 'r9', { base: 'r8', displacement: arena.length });
  asm.emit('jb rel32', found);
  asm.emit('add r/m64, imm8', 'r8', arena.size);
  asm.emit('add r/m64, imm8', 'rcx', -1);
  asm.emit('jmp rel32', search);

  asm.bind(found);
  asm.emit('test r/m8, imm8', 'r9b', slowStride - 1);
  asm.emit('jne rel32', chain); // not the start of a slot
  asm.emit('mov r64, r/m64', 'r10', { base: 'r8', displacement: arena.counters });
  asm.emit('add r64, r/m64', 'r10', 'r9');
  asm.emit('add r64, r/m64', 'r10', 'r9');
  asm.emit('add r64, r/m64', 'r9', { base: 'r8', displacement: arena.selectors });
  asm.emit('mov r64, r/m64', 'r11', { base: 'r9' });
  asm.emit('test r/m64, r64', 'r11', 'r11');
  asm.emit('je rel32', chain); // free
  for (const register of calleeSaved) asm.emit('push r/m64', register);
  asm.emit('mov r64, r/m64', 'rbx', 'r11');
  asm.emit('jmp r/m64', { base: 'rbx', displacement: faultRecord.routine });
}

function emitRestoreCalleeSaved(asm: Assembler): void {
  for (const register of calleeSaved.toReversed()) asm.emit('pop r/m64', register);
}

function emitComplete(
  asm: Assembler,
  { controlField, restorer }: { controlField: ControlField; restorer: Label },
): void {
  const viaSigreturn = asm.label();
  // Another return address means that a handler of the program called this one, with its own signals blocked.
  asm.emit('lea r64, m', 'rcx', { to: restorer });
  asm.emit('cmp r64, r/m64', 'rcx', { base: 'rsp', displacement: 8 * calleeSaved.length });
  asm.emit('jne rel32', viaSigreturn);
  asm.emit('test r/m32, imm32', { base: 'rbp', displacement: ucontext.stackFlags }, SS_AUTODISARM);
  asm.emit('jne rel32', viaSigreturn);
  asm.emit('test r/m32, imm32', { base: 'rbp', displacement: frameOffset('rflags') }, X86_EFLAGS_NT);
  asm.emit('jne rel32', viaSigreturn);
  asm.emit('cmp r/m32, imm32', controlField(controlBlock.mustUseSigreturn), 0);
  asm.emit('jne rel32', viaSigreturn);
  emitRestoreFpu(asm);
  // Stack data may overwrite the FPU state in the frame, so it is written after that is restored.
  emitStackData(asm);
  emitIretq(asm);
  asm.bind(viaSigreturn);
  emitStackData(asm);
  emitRestoreCalleeSaved(asm);
  asm.emit('ret');
}

function emitRestoreFpu(asm: Assembler): void {
  const [withoutXsave, done] = [asm.label(), asm.label()];
  asm.emit('mov r64, r/m64', 'rcx', { base: 'rbp', displacement: ucontext.fpstate });
  asm.emit('test r/m64, r64', 'rcx', 'rcx');
  asm.emit('je rel32', done);
  asm.emit('cmp r/m32, imm32', { base: 'rcx', displacement: fpstate.magic }, fpstate.xsaveMagic);
  asm.emit('jne rel32', withoutXsave);
  asm.emit('mov r32, r/m32', 'eax', { base: 'rcx', displacement: fpstate.features });
  asm.emit('mov r32, r/m32', 'edx', { base: 'rcx', displacement: fpstate.features + 4 });
  asm.emit('xrstor64 m', { base: 'rcx' });
  asm.emit('jmp rel32', done);
  asm.bind(withoutXsave);
  asm.emit('fxrstor64 m', { base: 'rcx' });
  asm.bind(done);
}

/** Writes the stack data at r12, and with SET_SP changes the stack pointer in the frame. */
function emitStackData(asm: Assembler): void {
  const [nextByte, skipAlign, done] = [asm.label(), asm.label(), asm.label()];
  const headerField = (offset: number): Memory => ({ base: 'rbx', displacement: faultRecord.data + offset });
  asm.emit('test r/m8, imm8', { base: 'rbx', displacement: faultRecord.listsOffset }, hasStackData);
  asm.emit('je rel32', done);
  asm.emit('movzx r32, r/m16', 'ecx', headerField(stackHeader.size));
  asm.emit('movzx r32, r/m16', 'eax', headerField(stackHeader.offset));
  asm.emit('mov r64, r/m64', 'rdi', { base: 'rbp', displacement: frameOffset('rsp') });
  asm.emit('sub r64, r/m64', 'rdi', 'rcx');
  asm.emit('sub r64, r/m64', 'rdi', 'rax');
  asm.emit('cmp r/m32, imm32', headerField(stackHeader.setSp), 0);
  asm.emit('je rel32', skipAlign);
  asm.emit('and r/m64, imm8', 'rdi', -setSpAlignment);
  asm.emit('sub r/m64, imm8', 'rdi', returnAddressGap);
  asm.emit('mov r/m64, r64', { base: 'rbp', displacement: frameOffset('rsp') }, 'rdi');
  asm.bind(skipAlign);
  asm.bind(nextByte);
  asm.emit('mov r8, r/m8', 'al', { base: 'r12' });
  asm.emit('mov r/m8, r8', { base: 'rdi' }, 'al');
  asm.emit('add r/m64, imm8', 'r12', 1);
  asm.emit('add r/m64, imm8', 'rdi', 1);
  asm.emit('add r/m32, imm8', 'ecx', -1);
  asm.emit('jne rel32', nextByte);
  asm.bind(done);
}

/** Bytes of the general registers in the frame: those that are loaded, rsp, rip and the flags. */
const frameSize = 8 * (frameRegisters.length + 3);

/** Loads all registers from the frame and jumps. The operands of IRETQ are stored after them in the frame. */
function emitIretq(asm: Assembler): void {
  const iretFrame = ucontext.registers + frameSize;
  const iretField = (index: number): Memory => ({ base: 'rbp', displacement: iretFrame + 8 * index });
  for (const [index, register] of [
    [0, 'rip'],
    [2, 'rflags'],
    [3, 'rsp'],
  ] as const) {
    asm.emit('mov r64, r/m64', 'rax', { base: 'rbp', displacement: frameOffset(register) });
    asm.emit('mov r/m64, r64', iretField(index), 'rax');
  }
  asm.emit('mov r/m64, imm32', iretField(1), segmentSelectors.code);
  asm.emit('mov r/m64, imm32', iretField(4), segmentSelectors.stack);
  // From here a signal is delivered below these values, because the stack pointer is the address of the registers.
  asm.emit('lea r64, m', 'rsp', { base: 'rbp', displacement: ucontext.registers });
  for (const [index, register] of frameRegisters.entries()) {
    asm.emit('mov r64, r/m64', register as Gpr64, { base: 'rsp', displacement: 8 * index });
  }
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: frameSize });
  asm.emit('iretq');
}

/** Acts as the previous action. A system call changes only rax, rcx and r11. */
function emitChain(asm: Assembler, controlField: ControlField): void {
  const [defaultAction, callHandler, requeue] = [asm.label(), asm.label(), asm.label()];
  const [defaultSigaction, done] = [asm.label(), asm.label()];
  asm.emit('mov r64, r/m64', 'r8', 'rsi');
  asm.emit('mov r64, r/m64', 'r9', 'rdx');
  asm.emit('cmp r/m64, imm32', controlField(controlBlock.previousHandler), 1);
  asm.emit('ja rel32', callHandler);
  asm.emit('jb rel32', defaultAction);
  // SIG_IGN: the kernel ignores a signal that was sent, but a fault kills the process.
  asm.emit('cmp r/m32, imm32', { base: 'r8', displacement: SIGINFO.code }, 0);
  asm.emit('jle rel32', done);

  asm.bind(defaultAction);
  emitSystemCall(asm, systemCalls.rt_sigaction, () => {
    asm.emit('mov r/m32, imm32', 'edi', SIGSEGV);
    asm.emit('lea r64, m', 'rsi', { to: defaultSigaction });
    asm.emit('mov r/m32, imm32', 'edx', 0);
    asm.emit('mov r/m32, imm32', 'r10d', signalSetSize);
  });
  asm.emit('cmp r/m32, imm32', { base: 'r8', displacement: SIGINFO.code }, 0);
  asm.emit('jle rel32', requeue);
  asm.bind(done);
  asm.emit('ret'); // a fault recurs

  asm.bind(requeue);
  emitSystemCall(asm, systemCalls.getpid, () => {});
  asm.emit('mov r64, r/m64', 'rdi', 'rax');
  emitSystemCall(asm, systemCalls.gettid, () => {});
  asm.emit('mov r64, r/m64', 'rsi', 'rax');
  emitSystemCall(asm, systemCalls.rt_tgsigqueueinfo, () => {
    asm.emit('mov r/m32, imm32', 'edx', SIGSEGV);
    asm.emit('mov r64, r/m64', 'r10', 'r8');
  });
  asm.emit('ret');

  asm.bind(callHandler);
  emitSystemCall(asm, systemCalls.rt_sigprocmask, () => {
    asm.emit('mov r/m32, imm32', 'edi', SIG_BLOCK);
    asm.emit('lea r64, m', 'rsi', controlField(controlBlock.previousMask));
    asm.emit('mov r/m32, imm32', 'edx', 0);
    asm.emit('mov r/m32, imm32', 'r10d', signalSetSize);
  });
  asm.emit('mov r/m32, imm32', 'edi', SIGSEGV);
  asm.emit('mov r64, r/m64', 'rsi', 'r8');
  asm.emit('mov r64, r/m64', 'rdx', 'r9');
  asm.emit('jmp r/m64', controlField(controlBlock.previousHandler));

  // `struct kernel_sigaction`: handler, flags, restorer, mask. All zeros are SIG_DFL.
  asm.bind(defaultSigaction);
  asm.data(new Uint8Array(32));
}

function emitSystemCall(asm: Assembler, number: number, loadArguments: () => void): void {
  asm.emit('mov r/m32, imm32', 'eax', number);
  loadArguments();
  asm.emit('syscall');
}
