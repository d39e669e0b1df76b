/**
 * Native calls on a stack of their own. C is a coroutine of JavaScript there: a closure that it calls need not enter
 * JavaScript, since JavaScript only has to come back from the function that let C run.
 *
 *     JavaScript               thread's stack    own stack
 *     carry()             -->  napi_call_function
 *       begin()           -->  ............  -->  the native function
 *         answer          <--  ............  <--  a closure's entry: C waits
 *       resume()          -->  ............  -->  C goes on
 *                         <--  ............  <--  C returns
 *
 * The stack pointers of both sides wait in the state. Calls are nested as JavaScript's are, so whoever waits on the
 * own stack waits below those who began earlier. `carry` stands around it all for the case that JavaScript is
 * terminated and never comes to `resume`: C must return before anything else happens.
 */
import { callbackInterface, callRecord, entryPaths, state } from '../../glue-layout.js';
import type { Gpr64 } from '../asm/operands.js';
import type { Glue } from './parts.js';

/** What a function keeps for its caller, besides rbp: psABI, figure 3.4. */
const calleeSaved: readonly Gpr64[] = ['rbx', 'r12', 'r13', 'r14', 'r15'];
/** What the entry of a closure needs behind the answer, and what it has not kept for its caller yet. */
const savedByYield: readonly Gpr64[] = ['rbp', 'rbx', 'r13', 'r14', 'r15'];

/** `carry()`: asks the dispatcher to `begin` the call in the state, and to `resume` it until it has returned. */
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

/** `begin()`: makes the call that is in the state. Returns when it has, or when it waits. */
export function emitFiberBegin(glue: Glue): void {
  const { asm } = glue;
  emitSwitchToFiber(glue);
  asm.emit('lea r64, m', 'rbx', glue.state(state.call));
  asm.emit('call rel32', glue.labels.callTarget);
  asm.emit('mov r/m64, r64', glue.state(state.fiberSp), 'rsp');
  asm.emit('mov r/m32, imm32', glue.state(state.suspended), 0);
  emitSwitchToThread(glue);
}

/** `resume()`: lets the call that waits go on, with what JavaScript answered. Returns like `begin`. */
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
 * In a closure's entry, with the record filled and the stack aligned: waits for the answer.
 *
 * Processors predict returns by the calls before. The closure's call is answered by a jump from another function, so
 * a return that goes wrong takes its place: the ones that follow, out of `resume` and out of Node, then go right.
 */
export function emitYield(glue: Glue): void {
  const { asm } = glue;
  const onThreadStack = asm.label();
  for (const register of savedByYield) asm.emit('push r/m64', register);
  asm.emit('sub r/m64, imm8', 'rsp', 8); // aligned for what begins below
  asm.emit('mov r/m64, r64', glue.state(state.fiberSp), 'rsp');
  asm.emit('mov r/m32, imm32', glue.state(state.suspended), 1);
  asm.emit('lea r64, m', 'rax', { to: onThreadStack });
  asm.emit('push r/m64', 'rax');
  asm.emit('ret');
  asm.bind(onThreadStack);
  emitSwitchToThread(glue);
}

/** Leaves the thread's stack. rbp stays what it is, for those who follow frames. */
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

/** Returns on the thread's stack, from whichever of the functions it was left by. */
function emitSwitchToThread(glue: Glue): void {
  const { asm } = glue;
  asm.emit('mov r/m64, imm32', glue.state(state.activeThread), 0);
  asm.emit('mov r64, r/m64', 'rsp', glue.state(state.threadSp));
  for (const register of calleeSaved.toReversed()) asm.emit('pop r/m64', register);
  asm.emit('pop r/m64', 'rbp');
  asm.emit('mov r/m32, imm32', 'eax', 0);
  asm.emit('ret');
}
