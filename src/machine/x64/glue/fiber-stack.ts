/**
 * Native calls on a separate stack, the fiber. C runs as a coroutine there: a callback does not enter JavaScript, but
 * returns to it from the function that started or resumed C.
 *
 *     JavaScript               thread's stack        fiber
 *     fiberInvoke()       -->  napi_call_function
 *       fiberBegin()      -->  ................  -->  native function
 *         run callback    <--  ................  <--  callback entry: C is suspended
 *       fiberResume()     -->  ................  -->  C continues
 *                         <--  ................  <--  C returns
 *
 * The state holds the stack pointers of both sides. Calls nest as those of JavaScript do, so a suspended call is
 * further down the fiber than earlier ones. If JavaScript is terminated before `fiberResume`, `fiberInvoke` resumes the
 * call itself: C must return before anything else happens.
 */
import { callbackInterface, callRecord, entryPaths, state } from '../../glue-layout.js';
import type { Gpr64 } from '../asm/operands.js';
import type { Glue } from './parts.js';

/** Callee-saved registers besides rbp: psABI, figure 3.4. */
const calleeSaved: readonly Gpr64[] = ['rbx', 'r12', 'r13', 'r14', 'r15'];
/** Registers that the callback entry uses after the result, and callee-saved ones that it has not saved. */
const savedByYield: readonly Gpr64[] = ['rbp', 'rbx', 'r13', 'r14', 'r15'];

/** `fiberInvoke()`: calls the dispatcher, which begins the call in the state and resumes it until it has returned. */
export function emitFiberInvoke(glue: Glue): void {
  const { asm } = glue;
  const [checkReturned, done] = [asm.label(), asm.label()];
  glue.enterWithFrame();
  asm.emit('mov r64, r/m64', 'rbx', glue.state(state.fiberSp));
  asm.emit('mov r/m32, imm32', glue.state(state.entryPath), entryPaths.fiberCall);
  asm.emit('call rel32', glue.labels.openScope);
  glue.callDispatcher();
  asm.emit('call rel32', glue.labels.closeScope);
  asm.bind(checkReturned);
  asm.emit('cmp r64, r/m64', 'rbx', glue.state(state.fiberSp));
  asm.emit('je rel32', done);
  asm.emit('mov r/m32, imm32', glue.state(state.completed), 0);
  asm.emit('call rel32', glue.labels.fiberResume);
  asm.emit('jmp rel32', checkReturned);
  asm.bind(done);
  asm.emit('mov r/m32, imm32', 'eax', 0);
  glue.leave();
}

/** `fiberBegin()`: makes the call in the state. Returns when that has returned or is suspended. */
export function emitFiberBegin(glue: Glue): void {
  const { asm } = glue;
  emitSwitchToFiber(glue);
  asm.emit('lea r64, m', 'rbx', glue.state(state.call));
  asm.emit('call rel32', glue.labels.callTarget);
  asm.emit('mov r/m64, r64', glue.state(state.fiberSp), 'rsp');
  asm.emit('mov r/m32, imm32', glue.state(state.suspended), 0);
  emitSwitchToThread(glue);
}

/** `fiberResume()`: resumes the suspended call with the result from JavaScript. Returns like `fiberBegin`. */
export function emitFiberResume(glue: Glue): void {
  const { asm } = glue;
  asm.bind(glue.labels.fiberResume);
  emitSwitchToFiber(glue);
  const [errorResult, result] = [asm.label(), asm.label()];
  asm.emit('add r/m64, imm8', 'rsp', 8);
  for (const register of savedByYield.toReversed()) asm.emit('pop r/m64', register);
  asm.emit('cmp r/m32, imm32', glue.state(state.completed), 0);
  asm.emit('je rel32', errorResult);
  asm.emit('lea r64, m', 'rsi', glue.record(callRecord.results));
  asm.bind(result);
  glue.returnResults(() => {
    asm.emit('lea r64, m', 'rsp', { base: 'rbp', displacement: -16 });
    for (const register of ['r12', 'rbx', 'rbp', 'rcx'] as const) asm.emit('pop r/m64', register);
    asm.emit('jmp r/m64', 'rcx');
  });
  asm.bind(errorResult);
  asm.emit('lea r64, m', 'rsi', { base: 'rbx', displacement: callbackInterface.errorResults });
  asm.emit('jmp rel32', result);
}

/**
 * Suspends the fiber in the callback entry, with the record filled and the stack aligned.
 *
 * Processors predict returns by the preceding calls. The call of the callback returns by a jump from `fiberResume`, so
 * its prediction is consumed here by a mispredicted return. The following returns, out of the exported function and out
 * of Node, are then predicted correctly.
 */
export function emitYield(glue: Glue): void {
  const { asm } = glue;
  const onThreadStack = asm.label();
  for (const register of savedByYield) asm.emit('push r/m64', register);
  asm.emit('sub r/m64, imm8', 'rsp', 8); // aligned for calls that begin below
  asm.emit('mov r/m64, r64', glue.state(state.fiberSp), 'rsp');
  asm.emit('mov r/m32, imm32', glue.state(state.suspended), 1);
  asm.emit('lea r64, m', 'rax', { to: onThreadStack });
  asm.emit('push r/m64', 'rax');
  asm.emit('ret');
  asm.bind(onThreadStack);
  emitSwitchToThread(glue);
}

/** Switches to the fiber. rbp is preserved for frame-pointer unwinding. */
function emitSwitchToFiber(glue: Glue): void {
  const { asm } = glue;
  asm.emit('endbr64');
  asm.emit('push r/m64', 'rbp');
  asm.emit('mov r64, r/m64', 'rbp', 'rsp');
  for (const register of calleeSaved) asm.emit('push r/m64', register);
  asm.emit('mov r/m64, r64', glue.state(state.threadSp), 'rsp');
  glue.loadThreadPointer();
  asm.emit('mov r/m64, r64', glue.state(state.activeThread), 'rax');
  asm.emit('mov r64, r/m64', 'rsp', glue.state(state.fiberSp));
}

/** Switches to the thread's stack, and returns from the exported function that left it. */
function emitSwitchToThread(glue: Glue): void {
  const { asm } = glue;
  asm.emit('mov r/m64, imm32', glue.state(state.activeThread), 0);
  asm.emit('mov r64, r/m64', 'rsp', glue.state(state.threadSp));
  for (const register of calleeSaved.toReversed()) asm.emit('pop r/m64', register);
  asm.emit('pop r/m64', 'rbp');
  asm.emit('mov r/m32, imm32', 'eax', 0);
  asm.emit('ret');
}
