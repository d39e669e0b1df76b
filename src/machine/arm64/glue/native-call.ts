/**
 * Calls from JavaScript to C: on the JavaScript thread (`invoke`), or on a thread of libuv's pool (`queueAsync`, then
 * `execute` there, and `complete` on the JavaScript thread).
 */
import { asyncCall, callFlags, callRecord, entryPaths, frame, nativeCall, state } from '../../glue-layout.js';
import { bitIndex, type Glue } from './parts.js';

/** `invoke()`: makes the call in the state. Callbacks during the call use its frame. */
export function emitInvoke(glue: Glue): void {
  const { asm } = glue;
  const done = asm.label();
  glue.enterWithFrame();
  glue.ldr('x11', 'x21', state.frame);
  glue.str('x11', 'x20', frame.previous);
  glue.str('x20', 'x21', state.frame);
  asm.emit('mrs <Xt>, tpidr_el0', 'x11');
  glue.str('x11', 'x21', state.activeThread);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x19', 'x21', state.call);
  asm.emit('bl <label>', glue.labels.callTarget);
  glue.str('xzr', 'x21', state.activeThread);
  glue.ldr('x11', 'x20', frame.previous);
  glue.str('x11', 'x21', state.frame);
  glue.ldr('x11', 'x20', frame.handleScope);
  asm.emit('cbz <Xt>, <label>', 'x11', done);
  asm.emit('bl <label>', glue.labels.closeScope);
  asm.bind(done);
  asm.emit('mov <Xd>, #<imm>', 'x0', 0);
  glue.leave();
}

/** Subroutine: makes the call at x19, and stores its results there. */
export function emitCallTarget(glue: Glue): void {
  const { asm } = glue;
  const [noStack, noVectors, done] = [asm.label(), asm.label(), asm.label()];
  const recordLocation = ['x19', nativeCall.record] as const;
  // JavaScript that runs during the call may overwrite the flags with those of another call.
  const savedFlags = ['x29', 16] as const;
  asm.bind(glue.labels.callTarget);
  glue.push(16);
  glue.ldr('w11', 'x19', nativeCall.flags);
  glue.str('w11', ...savedFlags);
  glue.ldr('w2', 'x19', nativeCall.stackSize);
  asm.emit('cbz <Wt>, <label>', 'w2', noStack);
  asm.emit('sub sp, sp, <Xm>', 'x2');
  asm.emit('mov <Xd|SP>, sp', 'x0');
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x19', nativeCall.record + callRecord.stack);
  asm.emit('bl <label>', glue.labels.copyBytes);
  glue.ldr('w11', ...savedFlags);
  asm.bind(noStack);
  asm.emit('tbz <Wt>, #<bit>, <label>', 'w11', bitIndex(callFlags.vectors), noVectors);
  glue.loadVectors(recordLocation);
  asm.bind(noVectors);
  glue.loadGeneral(recordLocation);
  glue.ldr('x16', 'x19', nativeCall.target);
  asm.emit('blr <Xn>', 'x16');
  glue.saveResults(recordLocation);
  glue.ldr('w11', ...savedFlags);
  asm.emit('tbz <Wt>, #<bit>, <label>', 'w11', bitIndex(callFlags.errno), done);
  glue.callImport('__errno_location');
  glue.ldr('w11', 'x0', 0);
  glue.str('w11', 'x19', nativeCall.errno);
  asm.bind(done);
  asm.emit('mov sp, <Xn|SP>', 'x29');
  glue.pop(16);
}

/** `queueAsync(name)`: queues the `asyncCall` at `pendingRequest`. */
export function emitQueueAsync(glue: Glue): void {
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
  glue.callNapi('napi_get_cb_info');
  asm.emit('cbnz <Wt>, <label>', 'w0', done);
  glue.ldr('x19', 'x21', state.pendingRequest);
  asm.emit('mov <Xd>, #<imm>', 'x1', 0);
  glue.ldr('x2', 'sp', name);
  asm.emit('adr <Xd>, <label>', 'x3', glue.labels.execute);
  asm.emit('adr <Xd>, <label>', 'x4', glue.labels.complete);
  asm.emit('mov <Xd>, <Xm>', 'x5', 'x19'); // argument of execute and complete
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x6', 'x19', asyncCall.work);
  glue.callNapi('napi_create_async_work');
  asm.emit('cbnz <Wt>, <label>', 'w0', done);
  glue.ldr('x1', 'x19', asyncCall.work);
  glue.callNapi('napi_queue_async_work');
  asm.bind(done);
  glue.str('w0', 'x21', state.napiStatus);
  asm.emit('mov <Xd>, #<imm>', 'x0', 0);
  glue.leave();
}

/**
 * `execute(env, asyncCall)` on another thread, `complete(env, status, asyncCall)` on the JavaScript thread in a scope.
 */
export function emitAsyncCall(glue: Glue): void {
  const { asm } = glue;
  asm.bind(glue.labels.execute);
  glue.enter();
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x19', 'x1', asyncCall.call);
  asm.emit('bl <label>', glue.labels.callTarget);
  glue.leave();

  asm.bind(glue.labels.complete);
  glue.enterWithFrame();
  asm.emit('mov <Xd>, <Xm>', 'x19', 'x2');
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x0', 'x21', state.call);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x19', asyncCall.call);
  asm.emit('mov <Wd>, #<imm>', 'w2', nativeCall.record + callRecord.stack);
  asm.emit('bl <label>', glue.labels.copyBytes);
  glue.ldr('w11', 'x19', asyncCall.id);
  glue.str('w11', 'x21', state.id);
  glue.set(entryPaths.asyncCompletion, 'x21', state.entryPath);
  asm.emit('bl <label>', glue.labels.openScope);
  glue.callDispatcher();
  asm.emit('bl <label>', glue.labels.closeScope);
  glue.ldr('x1', 'x19', asyncCall.work);
  glue.callNapi('napi_delete_async_work');
  asm.emit('mov <Xd>, <Xm>', 'x0', 'x19');
  glue.callImport('free');
  glue.leave();
}
