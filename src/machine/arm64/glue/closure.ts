/**
 * What closures lead to, with their kind in x9 and their number in x10. It finds out who calls:
 *
 *     the JavaScript thread, inside our own native call    napi_call_function, at once
 *     the same, on a stack of its own                      JavaScript answers where it let C run
 *     the JavaScript thread, inside anybody else's         a scope of its own, and napi_make_callback
 *     the same, on a stack that V8 would not run on        over the bridge, which changes stacks
 *     any other thread                                     a request to the JavaScript thread
 *
 * "Inside our own native call" is one comparison: the state holds the thread pointer of the JavaScript thread
 * while that is so, and 0 otherwise. C that changes stacks within such a call is refused.
 */
import {
  constants,
  FUTEX_WAIT_PRIVATE,
  failures,
  frame,
  kind,
  origins,
  record,
  request,
  state,
} from '../../glue-layout.js';
import type { Label } from '../operands.js';
import { systemCalls } from '../system-calls.js';
import { emitYield } from './own-stack.js';
import { type Base, type Glue, ownRecord } from './parts.js';

export function emitClosure(glue: Glue): void {
  const { asm } = glue;
  const [own, renew, renewed] = [asm.label(), asm.label(), asm.label()];
  const stray = asm.label();
  const [elsewhere, answered, result, refused] = [asm.label(), asm.label(), asm.label(), asm.label()];

  glue.enter();
  asm.emit('mov <Xd>, <Xm>', 'x19', 'x9');
  asm.emit('mov <Xd>, <Xm>', 'x22', 'x8'); // the address for a result in memory
  asm.emit('mrs <Xt>, tpidr_el0', 'x11');
  glue.ldr('x12', 'x21', state.active);
  asm.emit('cmp <Xn>, <Xm>', 'x11', 'x12');
  asm.emit('b.<cond> <label>', 'ne', elsewhere);
  asm.emit('mov <Xd|SP>, sp', 'x11');
  glue.ldr('x12', 'x21', state.ownStack);
  asm.emit('sub <Xd>, <Xn>, <Xm>', 'x11', 'x11', 'x12');
  glue.ldr('x12', 'x21', state.ownStackLength);
  asm.emit('cmp <Xn>, <Xm>', 'x11', 'x12');
  asm.emit('b.<cond> <label>', 'cc', own);
  emitStackCheck(glue, stray);

  glue.saveArguments(ownRecord);
  glue.str('x10', 'x21', state.id);
  glue.set(origins.direct, 'x21', state.origin);
  glue.str('xzr', 'x21', state.active);
  glue.ldr('x20', 'x21', state.frame);
  glue.ldr('w11', 'x20', frame.left);
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'x11', 'x11', 1);
  glue.str('w11', 'x20', frame.left);
  asm.emit('tbnz <Wt>, #<bit>, <label>', 'w11', 31, renew); // less than 0
  asm.bind(renewed);
  glue.callDispatcher();
  emitActive(glue);
  asm.emit('cbnz <Wt>, <label>', 'w0', refused);
  asm.bind(answered);
  glue.ldr('w11', 'x21', state.answered);
  asm.emit('cbz <Wt>, <label>', 'w11', refused);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', ownRecord[0], ownRecord[1] + record.results);
  asm.bind(result);
  glue.giveResults();

  asm.bind(own);
  glue.saveArguments(ownRecord);
  glue.str('x10', 'x21', state.id);
  emitYield(glue);

  asm.bind(renew);
  asm.emit('bl <label>', glue.openScope);
  asm.emit('b <label>', renewed);

  // C changed stacks within our call. V8 would end the process, and there is no way back that we know.
  asm.bind(stray);
  glue.set(failures.strayed, 'x21', state.failed);
  asm.bind(refused);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x19', kind.errorResults);
  asm.emit('b <label>', result);

  asm.bind(elsewhere);
  emitElsewhere(glue, { answered, result, refused });
}

type Exits = Readonly<Record<'answered' | 'result' | 'refused', Label>>;

/** Our native call goes on. */
function emitActive(glue: Glue): void {
  glue.asm.emit('mrs <Xt>, tpidr_el0', 'x11');
  glue.str('x11', 'x21', state.active);
}

/** Whether this is the thread's own stack; goes elsewhere if not. */
function emitStackCheck(glue: Glue, elsewhere: Label): void {
  const { asm } = glue;
  asm.emit('ldr <Xt>, <label>', 'x11', glue.constant(constants.stackLow));
  asm.emit('cmp sp, <Xm>', 'x11');
  asm.emit('b.<cond> <label>', 'cc', elsewhere);
  asm.emit('ldr <Xt>, <label>', 'x11', glue.constant(constants.stackHigh));
  asm.emit('cmp sp, <Xm>', 'x11');
  asm.emit('b.<cond> <label>', 'cs', elsewhere);
}

/** Not inside our native call; the thread pointer is in x11. */
function emitElsewhere(glue: Glue, { answered, result, refused }: Exits): void {
  const { asm } = glue;
  const [foreign, bridge, failed] = [asm.label(), asm.label(), asm.label()];
  glue.ldr('x12', 'x21', state.thread);
  asm.emit('cmp <Xn>, <Xm>', 'x11', 'x12');
  asm.emit('b.<cond> <label>', 'ne', foreign);
  glue.saveArguments(ownRecord);
  glue.str('x10', 'x21', state.id);
  emitStackCheck(glue, bridge);

  glue.set(origins.entered, 'x21', state.origin);
  glue.pushFrame();
  asm.emit('bl <label>', glue.openScope);
  glue.ldr('x2', 'x20', frame.dispatcher);
  asm.emit('mov <Xd>, <Xm>', 'x3', 'x2');
  // No context; no arguments, and no place for the result, which we do not want.
  for (const register of ['x1', 'x4', 'x5', 'x6'] as const) asm.emit('mov <Xd>, #<imm>', register, 0);
  glue.callNode('napi_make_callback');
  asm.emit('cbnz <Wt>, <label>', 'w0', failed);
  asm.emit('bl <label>', glue.closeScope);
  asm.emit('b <label>', answered);
  asm.bind(failed);
  // The exception must not wait for a call of ours that has nothing to do with it.
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'sp', 'sp', 16);
  asm.emit('mov <Xd|SP>, sp', 'x1');
  glue.callNode('napi_get_and_clear_last_exception');
  asm.emit('bl <label>', glue.closeScope);
  asm.emit('b <label>', refused);

  asm.bind(bridge);
  glue.set(origins.bridged, 'x21', state.origin);
  glue.set(0, 'x21', state.answered);
  glue.callAt(constants.bridge);
  asm.emit('b <label>', answered);

  asm.bind(foreign);
  emitForeign(glue, { result, refused });
}

/** On a thread that is not JavaScript's: hands a request over, and waits if the kind says so. */
function emitForeign(glue: Glue, { result, refused }: Pick<Exits, 'result' | 'refused'>): void {
  const { asm } = glue;
  const [send, sent, wait, done] = [asm.label(), asm.label(), asm.label(), asm.label()];
  glue.ldr('w11', 'x21', state.gone);
  asm.emit('cbnz <Wt>, <label>', 'w11', refused);
  // The request goes on this stack.
  emitRequestSize(glue, 'x11');
  asm.emit('sub sp, sp, <Xm>', 'x11');
  asm.emit('mov <Xd|SP>, sp', 'x20');
  glue.str('wzr', 'x20', request.done);
  glue.str('x19', 'x20', request.kind);
  glue.str('x10', 'x20', request.id);
  glue.saveArguments(['x20', request.record]);
  glue.ldr('w11', 'x19', kind.threads);
  glue.str('w11', 'x20', request.threads);
  asm.emit('cbz <Wt>, <label>', 'w11', send); // threads.wait
  // Nobody waits: the request must outlive this frame.
  emitRequestSize(glue, 'x0');
  glue.callImport('malloc');
  asm.emit('cbz <Xt>, <label>', 'x0', refused);
  asm.emit('mov <Xd>, <Xm>', 'x1', 'x20');
  asm.emit('mov <Xd>, <Xm>', 'x20', 'x0');
  emitRequestSize(glue, 'x2');
  asm.emit('bl <label>', glue.copy);

  asm.bind(send);
  asm.emit('bl <label>', glue.lock);
  // The queue lives as long as the environment: only while the lock keeps that from ending may it be used.
  asm.emit('mov <Wd>, #<imm>', 'w0', 1);
  glue.ldr('w11', 'x21', state.gone);
  const unlock = asm.label();
  asm.emit('cbnz <Wt>, <label>', 'w11', unlock);
  asm.emit('ldr <Xt>, <label>', 'x0', glue.constant(constants.queue));
  asm.emit('mov <Xd>, <Xm>', 'x1', 'x20');
  asm.emit('mov <Wd>, #<imm>', 'w2', 0); // napi_tsfn_nonblocking
  glue.callImport('napi_call_threadsafe_function');
  asm.emit('cbnz <Wt>, <label>', 'w0', unlock);
  // JavaScript may have it by now, but answers only when the lock is free.
  glue.ldr('x11', 'x21', state.requests);
  glue.str('x11', 'x20', request.next);
  glue.str('xzr', 'x20', request.previous);
  glue.str('x20', 'x21', state.requests);
  asm.emit('cbz <Xt>, <label>', 'x11', unlock);
  glue.str('x20', 'x11', request.previous);
  asm.bind(unlock);
  glue.unlock();
  glue.ldr('w11', 'x19', kind.threads);
  asm.emit('cbz <Wt>, <label>', 'w0', sent);
  asm.emit('cbz <Wt>, <label>', 'w11', refused); // threads.wait
  asm.emit('mov <Xd>, <Xm>', 'x0', 'x20');
  glue.callImport('free');
  asm.emit('b <label>', refused);

  asm.bind(sent);
  asm.emit('cbnz <Wt>, <label>', 'w11', refused); // not threads.wait
  asm.bind(wait);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x0', 'x20', request.done);
  // Acquire: the results were written before.
  asm.emit('ldar <Wt>, [<Xn|SP>]', 'w11', 'x0');
  asm.emit('cbnz <Wt>, <label>', 'w11', done);
  asm.emit('mov <Wd>, #<imm>', 'w8', systemCalls.futex);
  asm.emit('mov <Wd>, #<imm>', 'w1', FUTEX_WAIT_PRIVATE);
  asm.emit('mov <Wd>, #<imm>', 'w2', 0);
  asm.emit('mov <Xd>, #<imm>', 'x3', 0); // for as long as it takes
  asm.emit('svc #<imm>', 0);
  asm.emit('b <label>', wait);
  asm.bind(done);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x20', request.record + record.results);
  asm.emit('b <label>', result);
}

/** How long a request of the kind at x19 is. */
function emitRequestSize(glue: Glue, to: Base): void {
  glue.ldr(`w${to.slice(1)}` as 'w0', 'x19', kind.length);
  glue.asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', to, to, request.length);
}
