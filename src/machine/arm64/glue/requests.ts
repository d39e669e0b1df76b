/**
 * The JavaScript thread's side of calls from other threads. Node calls `relayed` for each request, from the event
 * loop, with scopes open. Whoever made a request that is not answered stands in a list, so that nobody waits for
 * JavaScript that is not going to run any more: `dismiss` gives them what callers get for errors.
 */
import { FUTEX_WAKE_PRIVATE, kind, origins, record, request, state } from '../../glue-layout.js';
import { systemCalls } from '../system-calls.js';
import { type Glue, ownRecord } from './parts.js';

/** `relayed(env, callback, context, request)`. After the end requests are answered, and their memory is gone. */
export function emitRequests(glue: Glue): void {
  const { asm } = glue;
  const [failed, done] = [asm.label(), asm.label()];
  const [base, at] = ownRecord;
  asm.bind(glue.relayed);
  glue.enterWithFrame();
  glue.ldr('w11', 'x21', state.gone);
  asm.emit('cbnz <Wt>, <label>', 'w11', done);
  asm.emit('mov <Xd>, <Xm>', 'x19', 'x3');
  glue.ldr('x11', 'x19', request.kind);
  glue.ldr('w2', 'x11', kind.length);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x2', 'x2', record.stack);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x19', request.record);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x0', base, at);
  asm.emit('bl <label>', glue.copy);
  glue.ldr('x11', 'x19', request.id);
  glue.str('x11', 'x21', state.id);
  glue.set(origins.relayed, 'x21', state.origin);
  glue.str('x19', 'x21', state.request);
  glue.set(0, 'x21', state.pending);
  asm.emit('bl <label>', glue.openScope);
  glue.callDispatcher();
  asm.emit('cbnz <Wt>, <label>', 'w0', failed);
  asm.emit('bl <label>', glue.closeScope);
  glue.ldr('w11', 'x21', state.pending);
  asm.emit('cbnz <Wt>, <label>', 'w11', done);
  asm.emit('bl <label>', glue.answer);
  asm.bind(done);
  glue.leave();

  asm.bind(failed);
  asm.emit('bl <label>', glue.closeScope);
  glue.set(0, 'x21', state.answered);
  asm.emit('bl <label>', glue.answer);
  glue.leave();
}

/** `settle()`: what a request waited for is in the state, and which request it is. */
export function emitSettle(glue: Glue): void {
  const { asm } = glue;
  glue.enter();
  glue.ldr('x19', 'x21', state.request);
  asm.emit('bl <label>', glue.answer);
  asm.emit('mov <Xd>, #<imm>', 'x0', 0);
  glue.leave();
}

/**
 * Subroutine: ends the request at x19 with what JavaScript answered, if it did, or with the error result. When JavaScript
 * ended meanwhile, `dismiss` has done that, and the request is gone.
 */
export function emitAnswer(glue: Glue): void {
  const { asm } = glue;
  const [answered, dismissed] = [asm.label(), asm.label()];
  const [base, at] = ownRecord;
  asm.bind(glue.answer);
  glue.push();
  glue.ldr('w11', 'x21', state.gone);
  asm.emit('cbnz <Wt>, <label>', 'w11', dismissed);
  asm.emit('bl <label>', glue.lock);
  asm.emit('bl <label>', glue.unlink);
  glue.unlock();
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', base, at + record.results);
  glue.ldr('w11', 'x21', state.answered);
  asm.emit('cbnz <Wt>, <label>', 'w11', answered);
  glue.ldr('x11', 'x19', request.kind);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x11', kind.errorResults);
  asm.bind(answered);
  asm.emit('bl <label>', glue.finish);
  asm.bind(dismissed);
  glue.pop();
}

/** Subroutine: takes the request at x19 off the list. The lock is held. */
export function emitUnlink(glue: Glue): void {
  const { asm } = glue;
  const [first, next, last] = [asm.label(), asm.label(), asm.label()];
  asm.bind(glue.unlink);
  glue.ldr('x11', 'x19', request.previous);
  glue.ldr('x12', 'x19', request.next);
  asm.emit('cbz <Xt>, <label>', 'x11', first);
  glue.str('x12', 'x11', request.next);
  asm.emit('b <label>', next);
  asm.bind(first);
  glue.str('x12', 'x21', state.requests);
  asm.bind(next);
  asm.emit('cbz <Xt>, <label>', 'x12', last);
  glue.str('x11', 'x12', request.previous);
  asm.bind(last);
  asm.emit('ret');
}

/** Subroutine: gives the results at x1 to whoever made the request at x19, which is off the list. */
export function emitFinish(glue: Glue): void {
  const { asm } = glue;
  const nobody = asm.label();
  asm.bind(glue.finish);
  glue.push();
  glue.ldr('w11', 'x19', request.threads);
  asm.emit('cbnz <Wt>, <label>', 'w11', nobody); // not threads.wait
  glue.ldr('x11', 'x19', request.kind);
  glue.ldr('w2', 'x11', kind.resultSize);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x2', 'x2', record.stack - record.results);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x0', 'x19', request.record + record.results);
  asm.emit('bl <label>', glue.copy);
  // Release: who sees it sees the results. From then on the request may be gone; a futex that nobody waits for wakes
  // nobody.
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x0', 'x19', request.done);
  asm.emit('mov <Wd>, #<imm>', 'w11', 1);
  asm.emit('stlr <Wt>, [<Xn|SP>]', 'w11', 'x0');
  asm.emit('mov <Wd>, #<imm>', 'w8', systemCalls.futex);
  asm.emit('mov <Wd>, #<imm>', 'w1', FUTEX_WAKE_PRIVATE);
  asm.emit('mov <Wd>, #<imm>', 'w2', 1);
  asm.emit('svc #<imm>', 0);
  glue.pop();
  asm.bind(nobody);
  asm.emit('mov <Xd>, <Xm>', 'x0', 'x19');
  glue.callImport('free');
  glue.pop();
}

/** `dismiss()`: no other thread waits from now on. */
export function emitDismiss(glue: Glue): void {
  const { asm } = glue;
  const [next, done] = [asm.label(), asm.label()];
  asm.bind(glue.dismiss);
  glue.enter();
  asm.emit('bl <label>', glue.lock);
  glue.set(1, 'x21', state.gone);
  asm.bind(next);
  glue.ldr('x19', 'x21', state.requests);
  asm.emit('cbz <Xt>, <label>', 'x19', done);
  asm.emit('bl <label>', glue.unlink);
  glue.ldr('x11', 'x19', request.kind);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x11', kind.errorResults);
  asm.emit('bl <label>', glue.finish);
  asm.emit('b <label>', next);
  asm.bind(done);
  glue.unlock();
  asm.emit('mov <Xd>, #<imm>', 'x0', 0);
  glue.leave();
}

/** `ended(data)`: the environment ends. Nobody enters JavaScript from now on, or runs on the own stack. */
export function emitEnded(glue: Glue): void {
  const { asm } = glue;
  asm.bind(glue.ended);
  glue.enter();
  glue.str('xzr', 'x21', state.thread);
  glue.str('xzr', 'x21', state.active);
  // Where there is none, the length of 0 is refused.
  asm.emit('mov <Wd>, #<imm>', 'w8', systemCalls.munmap);
  glue.ldr('x0', 'x21', state.ownStack);
  glue.ldr('x1', 'x21', state.ownStackLength);
  asm.emit('svc #<imm>', 0);
  asm.emit('bl <label>', glue.dismiss);
  glue.leave();
}

/** Subroutine: takes the lock. It is held for less than a microsecond, so who does not get it lets others run. */
export function emitLock(glue: Glue): void {
  const { asm } = glue;
  const [attempt, held] = [asm.label(), asm.label()];
  asm.bind(glue.lock);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x11', 'x21', state.lock);
  asm.emit('mov <Wd>, #<imm>', 'w12', 1);
  asm.bind(attempt);
  asm.emit('ldaxr <Wt>, [<Xn|SP>]', 'w13', 'x11');
  asm.emit('cbnz <Wt>, <label>', 'w13', held);
  asm.emit('stxr <Ws>, <Wt>, [<Xn|SP>]', 'w13', 'w12', 'x11');
  asm.emit('cbnz <Wt>, <label>', 'w13', attempt);
  asm.emit('ret');
  asm.bind(held);
  asm.emit('mov <Wd>, #<imm>', 'w8', systemCalls.sched_yield);
  asm.emit('svc #<imm>', 0);
  asm.emit('b <label>', glue.lock);
}
