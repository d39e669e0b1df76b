/**
 * From JavaScript to C: on the JavaScript thread's own stack at once (`invoke`), or on a thread of libuv's pool
 * (`start`, `execute`, and `complete` when it is done).
 */
import { call, callFlags, frame, job, origins, record, state } from '../../glue-layout.js';
import { bitOf, type Glue } from './parts.js';

/** `invoke()`: the call is in the state. Closures that are called meanwhile find the frame. */
export function emitInvoke(glue: Glue): void {
  const { asm } = glue;
  const done = asm.label();
  glue.enterWithFrame();
  glue.ldr('x11', 'x21', state.frame);
  glue.str('x11', 'x20', frame.previous);
  glue.str('x20', 'x21', state.frame);
  asm.emit('mrs <Xt>, tpidr_el0', 'x11');
  glue.str('x11', 'x21', state.active);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x19', 'x21', state.call);
  asm.emit('bl <label>', glue.perform);
  glue.str('xzr', 'x21', state.active);
  glue.ldr('x11', 'x20', frame.previous);
  glue.str('x11', 'x21', state.frame);
  glue.ldr('x11', 'x20', frame.scope);
  asm.emit('cbz <Xt>, <label>', 'x11', done);
  asm.emit('bl <label>', glue.closeScope);
  asm.bind(done);
  asm.emit('mov <Xd>, #<imm>', 'x0', 0);
  glue.leave();
}

/** Subroutine: makes the call at x19, and keeps its results there. */
export function emitPerform(glue: Glue): void {
  const { asm } = glue;
  const [flat, general, done] = [asm.label(), asm.label(), asm.label()];
  const inCall = ['x19', call.record] as const;
  // The call may be another one's when it returns, if JavaScript ran meanwhile.
  const flags = ['x29', 16] as const;
  asm.bind(glue.perform);
  glue.push(16);
  glue.ldr('w11', 'x19', call.flags);
  glue.str('w11', ...flags);
  glue.ldr('w2', 'x19', call.stackSize);
  asm.emit('cbz <Wt>, <label>', 'w2', flat);
  asm.emit('sub sp, sp, <Xm>', 'x2');
  asm.emit('mov <Xd|SP>, sp', 'x0');
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x19', call.record + record.stack);
  asm.emit('bl <label>', glue.copy);
  glue.ldr('w11', ...flags);
  asm.bind(flat);
  asm.emit('tbz <Wt>, #<bit>, <label>', 'w11', bitOf(callFlags.vectors), general);
  glue.loadVectors(inCall);
  asm.bind(general);
  glue.loadGeneral(inCall);
  glue.ldr('x16', 'x19', call.target);
  asm.emit('blr <Xn>', 'x16');
  glue.saveResults(inCall);
  glue.ldr('w11', ...flags);
  asm.emit('tbz <Wt>, #<bit>, <label>', 'w11', bitOf(callFlags.errno), done);
  glue.callImport('__errno_location');
  glue.ldr('w11', 'x0', 0);
  glue.str('w11', 'x19', call.errno);
  asm.bind(done);
  asm.emit('mov sp, <Xn|SP>', 'x29');
  glue.pop(16);
}

/** `start(name)`: the request is a job for another thread. */
export function emitStart(glue: Glue): void {
  const { asm } = glue;
  const done = asm.label();
  const [count, name] = [0, 8];
  glue.enter();
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'sp', 'sp', 16);
  asm.emit('mov <Xd>, #<imm>', 'x11', 1);
  glue.str('x11', 'sp', count);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x2', 'sp', count);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x3', 'sp', name);
  asm.emit('mov <Xd>, #<imm>', 'x4', 0);
  asm.emit('mov <Xd>, #<imm>', 'x5', 0);
  glue.callNode('napi_get_cb_info');
  asm.emit('cbnz <Wt>, <label>', 'w0', done);
  glue.ldr('x19', 'x21', state.request);
  asm.emit('mov <Xd>, #<imm>', 'x1', 0);
  glue.ldr('x2', 'sp', name);
  asm.emit('adr <Xd>, <label>', 'x3', glue.execute);
  asm.emit('adr <Xd>, <label>', 'x4', glue.complete);
  asm.emit('mov <Xd>, <Xm>', 'x5', 'x19'); // what execute and complete are given
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x6', 'x19', job.work);
  glue.callNode('napi_create_async_work');
  asm.emit('cbnz <Wt>, <label>', 'w0', done);
  glue.ldr('x1', 'x19', job.work);
  glue.callNode('napi_queue_async_work');
  asm.bind(done);
  glue.str('w0', 'x21', state.status);
  asm.emit('mov <Xd>, #<imm>', 'x0', 0);
  glue.leave();
}

/** `execute(env, job)` on another thread; `complete(env, status, job)` on the JavaScript thread, with scopes open. */
export function emitJob(glue: Glue): void {
  const { asm } = glue;
  asm.bind(glue.execute);
  glue.enter();
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x19', 'x1', job.call);
  asm.emit('bl <label>', glue.perform);
  glue.leave();

  asm.bind(glue.complete);
  glue.enterWithFrame();
  asm.emit('mov <Xd>, <Xm>', 'x19', 'x2');
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x0', 'x21', state.call);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x19', job.call);
  asm.emit('mov <Wd>, #<imm>', 'w2', call.record + record.stack);
  asm.emit('bl <label>', glue.copy);
  glue.ldr('w11', 'x19', job.token);
  glue.str('w11', 'x21', state.id);
  glue.set(origins.returned, 'x21', state.origin);
  asm.emit('bl <label>', glue.openScope);
  glue.callDispatcher();
  asm.emit('bl <label>', glue.closeScope);
  glue.ldr('x1', 'x19', job.work);
  glue.callNode('napi_delete_async_work');
  asm.emit('mov <Xd>, <Xm>', 'x0', 'x19');
  glue.callImport('free');
  glue.leave();
}
