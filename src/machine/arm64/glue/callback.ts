/**
 * Entry point of callbacks, with their interface in x9 and their id in x10. The caller determines the call path:
 *
 *     JavaScript thread, in a native call of ours    napi_call_function
 *     the same, on the fiber                         suspends the fiber; JavaScript resumes it with the result
 *     JavaScript thread, in other native code        napi_make_callback, in a new handle scope
 *     the same, on a stack that V8 cannot run on     the error result, and a request that reports the error
 *     any other thread                               a request to the JavaScript thread
 *     JavaScript thread, in a fast call of ours      the error result, and an error when the call has returned
 *
 * The first test is one comparison: `state.activeThread` is the thread pointer of the JavaScript thread during a native
 * call of ours, and 0 otherwise. If C has switched stacks within such a call, the callback fails.
 */
import {
  callbackInterface,
  callRecord,
  constants,
  entryPaths,
  FUTEX_WAIT_PRIVATE,
  failures,
  foreignStackMode,
  frame,
  request,
  state,
} from '../../glue-layout.js';
import type { Label } from '../asm/operands.js';
import { systemCalls } from '../linux/system-calls.js';
import { emitYield } from './fiber-stack.js';
import { type BaseRegister, currentRecord, type Glue } from './parts.js';

export function emitCallbackEntry(glue: Glue): void {
  const { asm } = glue;
  const [onFiber, renewScope, scopeRenewed] = [asm.label(), asm.label(), asm.label()];
  const wrongStack = asm.label();
  const [outsideNativeCall, completed, result, errorResult] = [
    asm.label(),
    asm.label(),
    asm.label(),
    asm.label(),
  ];

  glue.enter();
  asm.emit('mov <Xd>, <Xm>', 'x19', 'x9');
  asm.emit('mov <Xd>, <Xm>', 'x22', 'x8'); // address for a result in memory
  asm.emit('mrs <Xt>, tpidr_el0', 'x11');
  glue.ldr('x12', 'x21', state.activeThread);
  asm.emit('cmp <Xn>, <Xm>', 'x11', 'x12');
  asm.emit('b.<cond> <label>', 'ne', outsideNativeCall);
  asm.emit('mov <Xd|SP>, sp', 'x11');
  glue.ldr('x12', 'x21', state.fiberStack);
  asm.emit('sub <Xd>, <Xn>, <Xm>', 'x11', 'x11', 'x12');
  glue.ldr('x12', 'x21', state.fiberStackLength);
  asm.emit('cmp <Xn>, <Xm>', 'x11', 'x12');
  asm.emit('b.<cond> <label>', 'cc', onFiber);
  emitCheckThreadStack(glue, wrongStack);

  glue.saveArguments(currentRecord);
  glue.str('x10', 'x21', state.id);
  glue.set(entryPaths.nativeCall, 'x21', state.entryPath);
  glue.str('xzr', 'x21', state.activeThread);
  glue.ldr('x20', 'x21', state.frame);
  glue.ldr('w11', 'x20', frame.callsLeft);
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'x11', 'x11', 1);
  glue.str('w11', 'x20', frame.callsLeft);
  asm.emit('tbnz <Wt>, #<bit>, <label>', 'w11', 31, renewScope); // less than 0
  asm.bind(scopeRenewed);
  glue.callDispatcher();
  emitSetActive(glue);
  asm.emit('cbnz <Wt>, <label>', 'w0', errorResult);
  asm.bind(completed);
  glue.ldr('w11', 'x21', state.completed);
  asm.emit('cbz <Wt>, <label>', 'w11', errorResult);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', currentRecord[0], currentRecord[1] + callRecord.results);
  asm.bind(result);
  glue.returnResults();

  asm.bind(onFiber);
  glue.saveArguments(currentRecord);
  glue.str('x10', 'x21', state.id);
  emitYield(glue);

  asm.bind(renewScope);
  asm.emit('bl <label>', glue.labels.openScope);
  asm.emit('b <label>', scopeRenewed);

  // C switched stacks within a native call of ours. V8 would abort the process, and the way back is unknown.
  asm.bind(wrongStack);
  glue.set(failures.wrongStack, 'x21', state.failure);
  asm.bind(errorResult);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x19', callbackInterface.errorResults);
  asm.emit('b <label>', result);

  asm.bind(outsideNativeCall);
  emitOutsideNativeCall(glue, { completed, result, errorResult });
}

type Exits = Readonly<Record<'completed' | 'result' | 'errorResult', Label>>;

/** The native call continues. */
function emitSetActive(glue: Glue): void {
  glue.asm.emit('mrs <Xt>, tpidr_el0', 'x11');
  glue.str('x11', 'x21', state.activeThread);
}

/** Jumps to `otherStack` unless sp is on the thread's own stack. */
function emitCheckThreadStack(glue: Glue, otherStack: Label): void {
  const { asm } = glue;
  asm.emit('ldr <Xt>, <label>', 'x11', glue.constant(constants.stackLow));
  asm.emit('cmp sp, <Xm>', 'x11');
  asm.emit('b.<cond> <label>', 'cc', otherStack);
  asm.emit('ldr <Xt>, <label>', 'x11', glue.constant(constants.stackHigh));
  asm.emit('cmp sp, <Xm>', 'x11');
  asm.emit('b.<cond> <label>', 'cs', otherStack);
}

/** Emits the paths outside a native call of ours. The thread pointer is in x11. */
function emitOutsideNativeCall(glue: Glue, { completed, result, errorResult }: Exits): void {
  const { asm } = glue;
  const [otherThread, foreignStack, failed] = [asm.label(), asm.label(), asm.label()];
  const [inFastCall, noFastCall] = [asm.label(), asm.label()];
  glue.ldr('x12', 'x21', state.jsThread);
  asm.emit('cmp <Xn>, <Xm>', 'x11', 'x12');
  asm.emit('b.<cond> <label>', 'ne', otherThread);
  glue.ldr('w12', 'x21', state.inFastCall);
  asm.emit('cbnz <Wt>, <label>', 'w12', inFastCall);
  glue.ldr('x12', 'x21', state.fastCallMarker);
  asm.emit('cbz <Xt>, <label>', 'x12', noFastCall);
  glue.ldr('x12', 'x12', 0);
  asm.emit('cbnz <Xt>, <label>', 'x12', inFastCall);
  asm.bind(noFastCall);
  emitCheckThreadStack(glue, foreignStack);

  glue.saveArguments(currentRecord);
  glue.str('x10', 'x21', state.id);
  glue.set(entryPaths.foreignCode, 'x21', state.entryPath);
  glue.pushFrame();
  asm.emit('bl <label>', glue.labels.openScope);
  glue.ldr('x2', 'x20', frame.dispatcher);
  asm.emit('mov <Xd>, <Xm>', 'x3', 'x2');
  // No context, no arguments, and NULL for the result, which is not used.
  for (const register of ['x1', 'x4', 'x5', 'x6'] as const) asm.emit('mov <Xd>, #<imm>', register, 0);
  glue.callNapi('napi_make_callback');
  asm.emit('cbnz <Wt>, <label>', 'w0', failed);
  asm.emit('bl <label>', glue.labels.closeScope);
  asm.emit('b <label>', completed);
  asm.bind(failed);
  // Otherwise an unrelated call would throw the pending exception.
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'sp', 'sp', 16);
  asm.emit('mov <Xd|SP>, sp', 'x1');
  glue.callNapi('napi_get_and_clear_last_exception');
  asm.emit('bl <label>', glue.labels.closeScope);
  asm.emit('b <label>', errorResult);

  asm.bind(inFastCall);
  glue.set(failures.fastCall, 'x21', state.failure);
  asm.emit('b <label>', errorResult);

  const enqueue = asm.label();
  asm.bind(foreignStack);
  asm.emit('mov <Wd>, #<imm>', 'w12', foreignStackMode);
  asm.emit('b <label>', enqueue);
  asm.bind(otherThread);
  glue.ldr('w12', 'x19', callbackInterface.crossThread);
  asm.bind(enqueue);
  emitRequest(glue, { result, errorResult });
}

/** Queues a request for the mode in w12, and waits in mode `block`. */
function emitRequest(glue: Glue, { result, errorResult }: Pick<Exits, 'result' | 'errorResult'>): void {
  const { asm } = glue;
  const [enqueue, enqueued, waitLoop, done] = [asm.label(), asm.label(), asm.label(), asm.label()];
  glue.ldr('w11', 'x21', state.shuttingDown);
  asm.emit('cbnz <Wt>, <label>', 'w11', errorResult);
  // The request is on this stack, where its mode remains.
  emitRequestSize(glue, 'x11');
  asm.emit('sub sp, sp, <Xm>', 'x11');
  asm.emit('mov <Xd|SP>, sp', 'x20');
  glue.str('wzr', 'x20', request.done);
  glue.str('x19', 'x20', request.callbackInterface);
  glue.str('x10', 'x20', request.id);
  glue.str('w12', 'x20', request.crossThread);
  glue.saveArguments(['x20', request.record]);
  glue.ldr('w11', 'x20', request.crossThread);
  asm.emit('cbz <Wt>, <label>', 'w11', enqueue); // crossThreadModes.block
  // This thread does not wait, so the request must outlive the frame.
  emitRequestSize(glue, 'x0');
  glue.callImport('malloc');
  asm.emit('cbz <Xt>, <label>', 'x0', errorResult);
  asm.emit('mov <Xd>, <Xm>', 'x1', 'x20');
  asm.emit('mov <Xd>, <Xm>', 'x20', 'x0');
  emitRequestSize(glue, 'x2');
  asm.emit('bl <label>', glue.labels.copyBytes);

  asm.bind(enqueue);
  asm.emit('bl <label>', glue.labels.lock);
  // The queue exists as long as the environment, which cannot end while the lock is held.
  asm.emit('mov <Wd>, #<imm>', 'w0', 1);
  glue.ldr('w11', 'x21', state.shuttingDown);
  const unlock = asm.label();
  asm.emit('cbnz <Wt>, <label>', 'w11', unlock);
  asm.emit('ldr <Xt>, <label>', 'x0', glue.constant(constants.queue));
  asm.emit('mov <Xd>, <Xm>', 'x1', 'x20');
  asm.emit('mov <Wd>, #<imm>', 'w2', 0); // napi_tsfn_nonblocking
  glue.callImport('napi_call_threadsafe_function');
  asm.emit('cbnz <Wt>, <label>', 'w0', unlock);
  // JavaScript may already handle the request, but completes it only under the lock.
  glue.ldr('x11', 'x21', state.requests);
  glue.str('x11', 'x20', request.next);
  glue.str('xzr', 'x20', request.previous);
  glue.str('x20', 'x21', state.requests);
  asm.emit('cbz <Xt>, <label>', 'x11', unlock);
  glue.str('x20', 'x11', request.previous);
  asm.bind(unlock);
  glue.unlock();
  glue.ldr('w11', 'sp', request.crossThread);
  asm.emit('cbz <Wt>, <label>', 'w0', enqueued);
  asm.emit('cbz <Wt>, <label>', 'w11', errorResult); // crossThreadModes.block
  asm.emit('mov <Xd>, <Xm>', 'x0', 'x20');
  glue.callImport('free');
  asm.emit('b <label>', errorResult);

  asm.bind(enqueued);
  asm.emit('cbnz <Wt>, <label>', 'w11', errorResult); // not crossThreadModes.block
  asm.bind(waitLoop);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x0', 'x20', request.done);
  // Acquire, pairs with the release in emitDeliverResult: the results were written before.
  asm.emit('ldar <Wt>, [<Xn|SP>]', 'w11', 'x0');
  asm.emit('cbnz <Wt>, <label>', 'w11', done);
  asm.emit('mov <Wd>, #<imm>', 'w8', systemCalls.futex);
  asm.emit('mov <Wd>, #<imm>', 'w1', FUTEX_WAIT_PRIVATE);
  asm.emit('mov <Wd>, #<imm>', 'w2', 0);
  asm.emit('mov <Xd>, #<imm>', 'x3', 0); // no timeout
  asm.emit('svc #<imm>', 0);
  asm.emit('b <label>', waitLoop);
  asm.bind(done);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x20', request.record + callRecord.results);
  asm.emit('b <label>', result);
}

/** Loads the bytes of a request for the callback interface at x19. */
function emitRequestSize(glue: Glue, register: BaseRegister): void {
  glue.ldr(`w${register.slice(1)}` as 'w0', 'x19', callbackInterface.recordStackLength);
  glue.asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', register, register, request.length);
}
