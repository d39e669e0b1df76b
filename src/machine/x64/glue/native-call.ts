/**
 * From JavaScript to C: on the JavaScript thread's own stack at once (`invoke`), or on a thread of libuv's pool
 * (`start`, `execute`, and `complete` when it is done).
 */
import { call, callFlags, frame, job, origins, record, state } from '../../glue-layout.js';
import type { Memory } from '../operands.js';
import type { Glue } from './parts.js';

const local = (displacement: number): Memory => ({ base: 'rsp', displacement });

/** `invoke()`: the call is in the state. Closures that are called meanwhile find the frame. */
export function emitInvoke(glue: Glue): void {
  const { asm } = glue;
  const done = asm.label();
  asm.emit('endbr64');
  glue.enterWithFrame();
  asm.emit('mov r64, r/m64', 'rax', glue.state(state.frame));
  asm.emit('mov r/m64, r64', { base: 'r12', displacement: frame.previous }, 'rax');
  asm.emit('mov r/m64, r64', glue.state(state.frame), 'r12');
  glue.threadPointer();
  asm.emit('mov r/m64, r64', glue.state(state.active), 'rax');
  asm.emit('lea r64, m', 'rbx', glue.state(state.call));
  asm.emit('call rel32', glue.perform);
  asm.emit('mov r/m64, imm32', glue.state(state.active), 0);
  asm.emit('mov r64, r/m64', 'rax', { base: 'r12', displacement: frame.previous });
  asm.emit('mov r/m64, r64', glue.state(state.frame), 'rax');
  asm.emit('cmp r/m64, imm32', { base: 'r12', displacement: frame.scope }, 0);
  asm.emit('je rel32', done);
  asm.emit('call rel32', glue.closeScope);
  asm.bind(done);
  asm.emit('mov r/m32, imm32', 'eax', 0);
  glue.leave();
}

/** Subroutine: makes the call at rbx, and keeps its results there. */
export function emitPerform(glue: Glue): void {
  const { asm } = glue;
  const [flat, general, done] = [asm.label(), asm.label(), asm.label()];
  const at = (offset: number): Memory => ({ base: 'rbx', displacement: offset });
  const inRecord = (offset: number): Memory => at(call.record + offset);
  // The call may be another one's when it returns, if JavaScript ran meanwhile.
  const flags: Memory = { base: 'rbp', displacement: -8 };
  asm.bind(glue.perform);
  asm.emit('push r/m64', 'rbp');
  asm.emit('mov r64, r/m64', 'rbp', 'rsp');
  asm.emit('sub r/m64, imm8', 'rsp', 16);
  asm.emit('mov r32, r/m32', 'eax', at(call.flags));
  asm.emit('mov r/m32, r32', flags, 'eax');
  asm.emit('mov r32, r/m32', 'ecx', at(call.stackSize));
  asm.emit('test r/m32, r32', 'ecx', 'ecx');
  asm.emit('je rel32', flat);
  asm.emit('sub r64, r/m64', 'rsp', 'rcx');
  asm.emit('lea r64, m', 'rsi', inRecord(record.stack));
  asm.emit('mov r64, r/m64', 'rdi', 'rsp');
  asm.emit('rep movsb');
  asm.bind(flat);
  asm.emit('test r/m32, imm32', 'eax', callFlags.vectors);
  asm.emit('je rel32', general);
  glue.loadVectors(inRecord);
  asm.bind(general);
  glue.loadGeneral(inRecord);
  // A variadic function wants to know in al how many vector registers there are at most: psABI, section 3.2.3.
  asm.emit('mov r/m32, imm32', 'eax', 8);
  asm.emit('call r/m64', at(call.target));
  glue.saveResults(inRecord);
  asm.emit('test r/m32, imm32', flags, callFlags.errno);
  asm.emit('je rel32', done);
  glue.callImport('__errno_location');
  asm.emit('mov r32, r/m32', 'eax', { base: 'rax' });
  asm.emit('mov r/m32, r32', at(call.errno), 'eax');
  asm.bind(done);
  asm.emit('leave');
  asm.emit('ret');
}

/** `start(name)`: the request is a job for another thread. */
export function emitStart(glue: Glue): void {
  const { asm } = glue;
  const done = asm.label();
  asm.emit('endbr64');
  asm.emit('push r/m64', 'rbx');
  asm.emit('sub r/m64, imm8', 'rsp', 16);
  asm.emit('mov r/m64, imm32', local(0), 1);
  asm.emit('lea r64, m', 'rdx', local(0));
  asm.emit('lea r64, m', 'rcx', local(8));
  asm.emit('mov r/m32, imm32', 'r8d', 0);
  asm.emit('mov r/m32, imm32', 'r9d', 0);
  glue.callNode('napi_get_cb_info');
  asm.emit('test r/m32, r32', 'eax', 'eax');
  asm.emit('jne rel32', done);
  asm.emit('mov r64, r/m64', 'r9', glue.state(state.request)); // what execute and complete are given
  asm.emit('mov r64, r/m64', 'rbx', 'r9');
  asm.emit('mov r/m32, imm32', 'esi', 0);
  asm.emit('mov r64, r/m64', 'rdx', local(8));
  asm.emit('lea r64, m', 'rcx', { to: glue.execute });
  asm.emit('lea r64, m', 'r8', { to: glue.complete });
  asm.emit('lea r64, m', 'rax', { base: 'rbx', displacement: job.work });
  asm.emit('mov r/m64, r64', local(0), 'rax');
  glue.callNode('napi_create_async_work');
  asm.emit('test r/m32, r32', 'eax', 'eax');
  asm.emit('jne rel32', done);
  asm.emit('mov r64, r/m64', 'rsi', { base: 'rbx', displacement: job.work });
  glue.callNode('napi_queue_async_work');
  asm.bind(done);
  asm.emit('mov r/m32, r32', glue.state(state.status), 'eax');
  asm.emit('mov r/m32, imm32', 'eax', 0);
  asm.emit('add r/m64, imm8', 'rsp', 16);
  asm.emit('pop r/m64', 'rbx');
  asm.emit('ret');
}

/** `execute(env, job)` on another thread; `complete(env, status, job)` on the JavaScript thread, with scopes open. */
export function emitJob(glue: Glue): void {
  const { asm } = glue;
  asm.bind(glue.execute);
  asm.emit('endbr64');
  asm.emit('push r/m64', 'rbx');
  asm.emit('lea r64, m', 'rbx', { base: 'rsi', displacement: job.call });
  asm.emit('call rel32', glue.perform);
  asm.emit('pop r/m64', 'rbx');
  asm.emit('ret');

  asm.bind(glue.complete);
  asm.emit('endbr64');
  glue.enterWithFrame();
  asm.emit('mov r64, r/m64', 'rbx', 'rdx');
  asm.emit('lea r64, m', 'rsi', { base: 'rbx', displacement: job.call });
  asm.emit('lea r64, m', 'rdi', glue.state(state.call));
  asm.emit('mov r/m32, imm32', 'ecx', call.record + record.stack);
  asm.emit('rep movsb');
  asm.emit('mov r32, r/m32', 'eax', { base: 'rbx', displacement: job.token });
  asm.emit('mov r/m32, r32', glue.state(state.id), 'eax');
  asm.emit('mov r/m32, imm32', glue.state(state.origin), origins.returned);
  asm.emit('call rel32', glue.openScope);
  glue.callDispatcher();
  asm.emit('call rel32', glue.closeScope);
  asm.emit('mov r64, r/m64', 'rsi', { base: 'rbx', displacement: job.work });
  glue.callNode('napi_delete_async_work');
  asm.emit('mov r64, r/m64', 'rdi', 'rbx');
  glue.callImport('free');
  glue.leave();
}
