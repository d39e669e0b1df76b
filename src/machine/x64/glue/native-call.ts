/**
 * Calls from JavaScript to C: on the JavaScript thread (`invoke`), or on a thread of libuv's pool (`queueAsync`, then
 * `execute` there, and `complete` on the JavaScript thread).
 */
import { asyncCall, callFlags, callRecord, entryPaths, frame, nativeCall, state } from '../../glue-layout.js';
import type { Memory } from '../asm/operands.js';
import type { Glue } from './parts.js';

const stackSlot = (displacement: number): Memory => ({ base: 'rsp', displacement });

/** `invoke()`: makes the call in the state. Callbacks during the call use its frame. */
export function emitInvoke(glue: Glue): void {
  const { asm } = glue;
  const done = asm.label();
  glue.enterWithFrame();
  asm.emit('mov r64, r/m64', 'rax', glue.state(state.frame));
  asm.emit('mov r/m64, r64', { base: 'r12', displacement: frame.previous }, 'rax');
  asm.emit('mov r/m64, r64', glue.state(state.frame), 'r12');
  glue.loadThreadPointer();
  asm.emit('mov r/m64, r64', glue.state(state.activeThread), 'rax');
  asm.emit('lea r64, m', 'rbx', glue.state(state.call));
  asm.emit('call rel32', glue.labels.callTarget);
  asm.emit('mov r/m64, imm32', glue.state(state.activeThread), 0);
  asm.emit('mov r64, r/m64', 'rax', { base: 'r12', displacement: frame.previous });
  asm.emit('mov r/m64, r64', glue.state(state.frame), 'rax');
  asm.emit('cmp r/m64, imm32', { base: 'r12', displacement: frame.handleScope }, 0);
  asm.emit('je rel32', done);
  asm.emit('call rel32', glue.labels.closeScope);
  asm.bind(done);
  asm.emit('mov r/m32, imm32', 'eax', 0);
  glue.leave();
}

/** Subroutine: makes the call at rbx, and stores its results there. */
export function emitCallTarget(glue: Glue): void {
  const { asm } = glue;
  const [noStack, noVectors, done] = [asm.label(), asm.label(), asm.label()];
  const inCall = (offset: number): Memory => ({ base: 'rbx', displacement: offset });
  const inRecord = (offset: number): Memory => inCall(nativeCall.record + offset);
  // JavaScript that runs during the call may overwrite the flags with those of another call.
  const savedFlags: Memory = { base: 'rbp', displacement: -8 };
  asm.bind(glue.labels.callTarget);
  asm.emit('push r/m64', 'rbp');
  asm.emit('mov r64, r/m64', 'rbp', 'rsp');
  asm.emit('sub r/m64, imm8', 'rsp', 16);
  asm.emit('mov r32, r/m32', 'eax', inCall(nativeCall.flags));
  asm.emit('mov r/m32, r32', savedFlags, 'eax');
  asm.emit('mov r32, r/m32', 'ecx', inCall(nativeCall.stackSize));
  asm.emit('test r/m32, r32', 'ecx', 'ecx');
  asm.emit('je rel32', noStack);
  asm.emit('sub r64, r/m64', 'rsp', 'rcx');
  asm.emit('lea r64, m', 'rsi', inRecord(callRecord.stack));
  asm.emit('mov r64, r/m64', 'rdi', 'rsp');
  asm.emit('rep movsb');
  asm.bind(noStack);
  asm.emit('test r/m32, imm32', 'eax', callFlags.vectors);
  asm.emit('je rel32', noVectors);
  glue.loadVectors(inRecord);
  asm.bind(noVectors);
  glue.loadGeneral(inRecord);
  // al: upper bound of the number of vector registers, for variadic functions. psABI, section 3.2.3.
  asm.emit('mov r/m32, imm32', 'eax', 8);
  asm.emit('call r/m64', inCall(nativeCall.target));
  glue.saveResults(inRecord);
  asm.emit('test r/m32, imm32', savedFlags, callFlags.errno);
  asm.emit('je rel32', done);
  glue.callImport('__errno_location');
  asm.emit('mov r32, r/m32', 'eax', { base: 'rax' });
  asm.emit('mov r/m32, r32', inCall(nativeCall.errno), 'eax');
  asm.bind(done);
  asm.emit('leave');
  asm.emit('ret');
}

/** `queueAsync(name)`: queues the `asyncCall` at `pendingRequest`. */
export function emitQueueAsync(glue: Glue): void {
  const { asm } = glue;
  const done = asm.label();
  asm.emit('endbr64');
  asm.emit('push r/m64', 'rbx');
  asm.emit('sub r/m64, imm8', 'rsp', 16);
  asm.emit('mov r/m64, imm32', stackSlot(0), 1);
  asm.emit('lea r64, m', 'rdx', stackSlot(0));
  asm.emit('lea r64, m', 'rcx', stackSlot(8));
  asm.emit('mov r/m32, imm32', 'r8d', 0);
  asm.emit('mov r/m32, imm32', 'r9d', 0);
  glue.callNapi('napi_get_cb_info');
  asm.emit('test r/m32, r32', 'eax', 'eax');
  asm.emit('jne rel32', done);
  asm.emit('mov r64, r/m64', 'r9', glue.state(state.pendingRequest)); // argument of execute and complete
  asm.emit('mov r64, r/m64', 'rbx', 'r9');
  asm.emit('mov r/m32, imm32', 'esi', 0);
  asm.emit('mov r64, r/m64', 'rdx', stackSlot(8));
  asm.emit('lea r64, m', 'rcx', { to: glue.labels.execute });
  asm.emit('lea r64, m', 'r8', { to: glue.labels.complete });
  asm.emit('lea r64, m', 'rax', { base: 'rbx', displacement: asyncCall.work });
  asm.emit('mov r/m64, r64', stackSlot(0), 'rax');
  glue.callNapi('napi_create_async_work');
  asm.emit('test r/m32, r32', 'eax', 'eax');
  asm.emit('jne rel32', done);
  asm.emit('mov r64, r/m64', 'rsi', { base: 'rbx', displacement: asyncCall.work });
  glue.callNapi('napi_queue_async_work');
  asm.bind(done);
  asm.emit('mov r/m32, r32', glue.state(state.napiStatus), 'eax');
  asm.emit('mov r/m32, imm32', 'eax', 0);
  asm.emit('add r/m64, imm8', 'rsp', 16);
  asm.emit('pop r/m64', 'rbx');
  asm.emit('ret');
}

/**
 * `execute(env, asyncCall)` on another thread, `complete(env, status, asyncCall)` on the JavaScript thread in a scope.
 */
export function emitAsyncCall(glue: Glue): void {
  const { asm } = glue;
  asm.bind(glue.labels.execute);
  asm.emit('endbr64');
  asm.emit('push r/m64', 'rbx');
  asm.emit('lea r64, m', 'rbx', { base: 'rsi', displacement: asyncCall.call });
  asm.emit('call rel32', glue.labels.callTarget);
  asm.emit('pop r/m64', 'rbx');
  asm.emit('ret');

  asm.bind(glue.labels.complete);
  glue.enterWithFrame();
  asm.emit('mov r64, r/m64', 'rbx', 'rdx');
  asm.emit('lea r64, m', 'rsi', { base: 'rbx', displacement: asyncCall.call });
  asm.emit('lea r64, m', 'rdi', glue.state(state.call));
  asm.emit('mov r/m32, imm32', 'ecx', nativeCall.record + callRecord.stack);
  asm.emit('rep movsb');
  asm.emit('mov r32, r/m32', 'eax', { base: 'rbx', displacement: asyncCall.id });
  asm.emit('mov r/m32, r32', glue.state(state.id), 'eax');
  asm.emit('mov r/m32, imm32', glue.state(state.entryPath), entryPaths.asyncCompletion);
  asm.emit('call rel32', glue.labels.openScope);
  glue.callDispatcher();
  asm.emit('call rel32', glue.labels.closeScope);
  asm.emit('mov r64, r/m64', 'rsi', { base: 'rbx', displacement: asyncCall.work });
  glue.callNapi('napi_delete_async_work');
  asm.emit('mov r64, r/m64', 'rdi', 'rbx');
  glue.callImport('free');
  glue.leave();
}
