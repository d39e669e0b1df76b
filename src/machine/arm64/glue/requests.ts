/**
 * Calls from other threads, on the JavaScript thread. Node calls `handleRequest` for each request from the event loop,
 * in a scope. A list holds all requests that are not completed, so that no caller waits for JavaScript that will not
 * run again: `shutdown` completes them with the error result.
 */
import {
  callbackInterface,
  callRecord,
  entryPaths,
  FUTEX_WAKE_PRIVATE,
  foreignStackMode,
  request,
  state,
} from '../../glue-layout.js';
import { systemCalls } from '../linux/system-calls.js';
import { currentRecord, type Glue } from './parts.js';

/** `handleRequest(env, callback, context, request)`. After the shutdown, requests are already completed and freed. */
export function emitHandleRequest(glue: Glue): void {
  const { asm } = glue;
  const [fromOtherThread, failed, done] = [asm.label(), asm.label(), asm.label()];
  const [base, offset] = currentRecord;
  asm.bind(glue.labels.handleRequest);
  glue.enterWithFrame();
  glue.ldr('w11', 'x21', state.shuttingDown);
  asm.emit('cbnz <Wt>, <label>', 'w11', done);
  asm.emit('mov <Xd>, <Xm>', 'x19', 'x3');
  glue.ldr('x11', 'x19', request.callbackInterface);
  glue.ldr('w2', 'x11', callbackInterface.recordStackLength);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x2', 'x2', callRecord.stack);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x19', request.record);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x0', base, offset);
  asm.emit('bl <label>', glue.labels.copyBytes);
  glue.ldr('x11', 'x19', request.id);
  glue.str('x11', 'x21', state.id);
  glue.set(entryPaths.otherThread, 'x21', state.entryPath);
  glue.ldr('w11', 'x19', request.crossThread);
  asm.emit('cmp <Xn|SP>, #<imm>', 'x11', foreignStackMode);
  asm.emit('b.<cond> <label>', 'ne', fromOtherThread);
  glue.set(entryPaths.foreignStack, 'x21', state.entryPath);
  asm.bind(fromOtherThread);
  glue.str('x19', 'x21', state.pendingRequest);
  glue.set(0, 'x21', state.deferred);
  asm.emit('bl <label>', glue.labels.openScope);
  glue.callDispatcher();
  asm.emit('cbnz <Wt>, <label>', 'w0', failed);
  asm.emit('bl <label>', glue.labels.closeScope);
  glue.ldr('w11', 'x21', state.deferred);
  asm.emit('cbnz <Wt>, <label>', 'w11', done);
  asm.emit('bl <label>', glue.labels.unlinkAndComplete);
  asm.bind(done);
  glue.leave();

  asm.bind(failed);
  asm.emit('bl <label>', glue.labels.closeScope);
  glue.set(0, 'x21', state.completed);
  asm.emit('bl <label>', glue.labels.unlinkAndComplete);
  glue.leave();
}

/** `completeRequest()`: completes `pendingRequest` with the result in the state. */
export function emitCompleteRequest(glue: Glue): void {
  const { asm } = glue;
  glue.enter();
  glue.ldr('x19', 'x21', state.pendingRequest);
  asm.emit('bl <label>', glue.labels.unlinkAndComplete);
  asm.emit('mov <Xd>, #<imm>', 'x0', 0);
  glue.leave();
}

/**
 * Subroutine: completes the request at x19 with the result from JavaScript, or with the error result. After the
 * shutdown, the request is already completed and freed.
 */
export function emitUnlinkAndComplete(glue: Glue): void {
  const { asm } = glue;
  const [completed, afterShutdown] = [asm.label(), asm.label()];
  const [base, offset] = currentRecord;
  asm.bind(glue.labels.unlinkAndComplete);
  glue.push();
  glue.ldr('w11', 'x21', state.shuttingDown);
  asm.emit('cbnz <Wt>, <label>', 'w11', afterShutdown);
  asm.emit('bl <label>', glue.labels.lock);
  asm.emit('bl <label>', glue.labels.unlink);
  glue.unlock();
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', base, offset + callRecord.results);
  glue.ldr('w11', 'x21', state.completed);
  asm.emit('cbnz <Wt>, <label>', 'w11', completed);
  glue.ldr('x11', 'x19', request.callbackInterface);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x11', callbackInterface.errorResults);
  asm.bind(completed);
  asm.emit('bl <label>', glue.labels.deliverResult);
  asm.bind(afterShutdown);
  glue.pop();
}

/** Subroutine: removes the request at x19 from the list. The lock must be held. */
export function emitUnlink(glue: Glue): void {
  const { asm } = glue;
  const [atHead, linkNext, atTail] = [asm.label(), asm.label(), asm.label()];
  asm.bind(glue.labels.unlink);
  glue.ldr('x11', 'x19', request.previous);
  glue.ldr('x12', 'x19', request.next);
  asm.emit('cbz <Xt>, <label>', 'x11', atHead);
  glue.str('x12', 'x11', request.next);
  asm.emit('b <label>', linkNext);
  asm.bind(atHead);
  glue.str('x12', 'x21', state.requests);
  asm.bind(linkNext);
  asm.emit('cbz <Xt>, <label>', 'x12', atTail);
  glue.str('x11', 'x12', request.previous);
  asm.bind(atTail);
  asm.emit('ret');
}

/** Subroutine: passes the results at x1 to the caller of the request at x19, which is not in the list. */
export function emitDeliverResult(glue: Glue): void {
  const { asm } = glue;
  const notWaiting = asm.label();
  asm.bind(glue.labels.deliverResult);
  glue.push();
  glue.ldr('w11', 'x19', request.crossThread);
  asm.emit('cbnz <Wt>, <label>', 'w11', notWaiting); // not crossThreadModes.block
  glue.ldr('x11', 'x19', request.callbackInterface);
  glue.ldr('w2', 'x11', callbackInterface.resultSize);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x2', 'x2', callRecord.stack - callRecord.results);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x0', 'x19', request.record + callRecord.results);
  asm.emit('bl <label>', glue.labels.copyBytes);
  // Release: the caller that sees it sees the results. Then the request may be gone. Waking a futex without waiters
  // does nothing.
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x0', 'x19', request.done);
  asm.emit('mov <Wd>, #<imm>', 'w11', 1);
  asm.emit('stlr <Wt>, [<Xn|SP>]', 'w11', 'x0');
  asm.emit('mov <Wd>, #<imm>', 'w8', systemCalls.futex);
  asm.emit('mov <Wd>, #<imm>', 'w1', FUTEX_WAKE_PRIVATE);
  asm.emit('mov <Wd>, #<imm>', 'w2', 1);
  asm.emit('svc #<imm>', 0);
  glue.pop();
  asm.bind(notWaiting);
  asm.emit('mov <Xd>, <Xm>', 'x0', 'x19');
  glue.callImport('free');
  glue.pop();
}

/** `shutdown()`: completes all requests. From then on calls from other threads get the error result at once. */
export function emitShutdown(glue: Glue): void {
  const { asm } = glue;
  const [nextRequest, done] = [asm.label(), asm.label()];
  asm.bind(glue.labels.shutdown);
  glue.enter();
  asm.emit('bl <label>', glue.labels.lock);
  glue.set(1, 'x21', state.shuttingDown);
  asm.bind(nextRequest);
  glue.ldr('x19', 'x21', state.requests);
  asm.emit('cbz <Xt>, <label>', 'x19', done);
  asm.emit('bl <label>', glue.labels.unlink);
  glue.ldr('x11', 'x19', request.callbackInterface);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x11', callbackInterface.errorResults);
  asm.emit('bl <label>', glue.labels.deliverResult);
  asm.emit('b <label>', nextRequest);
  asm.bind(done);
  glue.unlock();
  asm.emit('mov <Xd>, #<imm>', 'x0', 0);
  glue.leave();
}

/** `cleanupHook(data)`: the environment ends. From then on no call enters JavaScript or uses the fiber. */
export function emitCleanupHook(glue: Glue): void {
  const { asm } = glue;
  asm.bind(glue.labels.cleanupHook);
  glue.enter();
  glue.str('xzr', 'x21', state.jsThread);
  glue.str('xzr', 'x21', state.activeThread);
  // Without a fiber stack the length is 0, and munmap fails.
  asm.emit('mov <Wd>, #<imm>', 'w8', systemCalls.munmap);
  glue.ldr('x0', 'x21', state.fiberStack);
  glue.ldr('x1', 'x21', state.fiberStackLength);
  asm.emit('svc #<imm>', 0);
  asm.emit('bl <label>', glue.labels.shutdown);
  glue.leave();
}

/** Subroutine: acquires the lock. It is held for less than 1 us, so a waiting thread yields its CPU. */
export function emitLock(glue: Glue): void {
  const { asm } = glue;
  const [retry, contended] = [asm.label(), asm.label()];
  asm.bind(glue.labels.lock);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x11', 'x21', state.lock);
  asm.emit('mov <Wd>, #<imm>', 'w12', 1);
  asm.bind(retry);
  asm.emit('ldaxr <Wt>, [<Xn|SP>]', 'w13', 'x11');
  asm.emit('cbnz <Wt>, <label>', 'w13', contended);
  asm.emit('stxr <Ws>, <Wt>, [<Xn|SP>]', 'w13', 'w12', 'x11');
  asm.emit('cbnz <Wt>, <label>', 'w13', retry);
  asm.emit('ret');
  asm.bind(contended);
  asm.emit('mov <Wd>, #<imm>', 'w8', systemCalls.sched_yield);
  asm.emit('svc #<imm>', 0);
  asm.emit('b <label>', glue.labels.lock);
}
