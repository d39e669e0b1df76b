/**
 * Entry point of callbacks, with their interface in r10 and their id in r11. The caller determines the call path:
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
  crossThreadModes,
  entryPaths,
  FUTEX_WAIT_PRIVATE,
  failures,
  foreignStackMode,
  frame,
  request,
  state,
} from '../../glue-layout.js';
import type { Gpr64, Label, Memory } from '../asm/operands.js';
import { systemCalls } from '../linux/system-calls.js';
import { emitYield } from './fiber-stack.js';
import { type Glue, resultAddress } from './parts.js';

/** Below `resultAddress` in the frame of a callback: bytes of the request. */
const requestSize: Memory = { base: 'rbp', displacement: -32 };

const inRequest = (register: Gpr64, offset: number): Memory => ({ base: register, displacement: offset });

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
  asm.emit('sub r/m64, imm8', 'rsp', 16);
  asm.emit('mov r64, r/m64', 'rbx', 'r10');
  asm.emit('mov r/m64, r64', resultAddress, 'rdi');
  glue.loadThreadPointer();
  asm.emit('cmp r64, r/m64', 'rax', glue.state(state.activeThread));
  asm.emit('jne rel32', outsideNativeCall);
  asm.emit('mov r64, r/m64', 'rax', 'rsp');
  asm.emit('sub r64, r/m64', 'rax', glue.state(state.fiberStack));
  asm.emit('cmp r64, r/m64', 'rax', glue.state(state.fiberStackLength));
  asm.emit('jb rel32', onFiber);
  emitCheckThreadStack(glue, wrongStack);

  glue.saveArguments(glue.record);
  asm.emit('mov r/m64, r64', glue.state(state.id), 'r11');
  asm.emit('mov r/m32, imm32', glue.state(state.entryPath), entryPaths.nativeCall);
  asm.emit('mov r/m64, imm32', glue.state(state.activeThread), 0);
  asm.emit('mov r64, r/m64', 'r12', glue.state(state.frame));
  asm.emit('add r/m32, imm8', { base: 'r12', displacement: frame.callsLeft }, -1);
  asm.emit('js rel32', renewScope);
  asm.bind(scopeRenewed);
  glue.callDispatcher();
  glue.loadThreadPointer();
  asm.emit('mov r/m64, r64', glue.state(state.activeThread), 'rax');
  asm.emit('jne rel32', errorResult);
  asm.bind(completed);
  asm.emit('cmp r/m32, imm32', glue.state(state.completed), 0);
  asm.emit('je rel32', errorResult);
  asm.emit('lea r64, m', 'rsi', glue.record(callRecord.results));
  asm.bind(result);
  glue.returnResults(() => glue.leave());

  asm.bind(onFiber);
  glue.saveArguments(glue.record);
  asm.emit('mov r/m64, r64', glue.state(state.id), 'r11');
  emitYield(glue);

  asm.bind(renewScope);
  asm.emit('call rel32', glue.labels.openScope);
  asm.emit('jmp rel32', scopeRenewed);

  // C switched stacks within a native call of ours. V8 would abort the process, and the way back is unknown.
  asm.bind(wrongStack);
  asm.emit('mov r/m32, imm32', glue.state(state.failure), failures.wrongStack);
  asm.bind(errorResult);
  asm.emit('lea r64, m', 'rsi', { base: 'rbx', displacement: callbackInterface.errorResults });
  asm.emit('jmp rel32', result);

  asm.bind(outsideNativeCall);
  emitOutsideNativeCall(glue, { completed, result, errorResult });
}

type Exits = Readonly<Record<'completed' | 'result' | 'errorResult', Label>>;

/** Jumps to `otherStack` unless rsp is on the thread's own stack. */
function emitCheckThreadStack(glue: Glue, otherStack: Label): void {
  const { asm } = glue;
  asm.emit('cmp r64, r/m64', 'rsp', glue.constant(constants.stackLow));
  asm.emit('jb rel32', otherStack);
  asm.emit('cmp r64, r/m64', 'rsp', glue.constant(constants.stackHigh));
  asm.emit('jae rel32', otherStack);
}

/** Emits the paths outside a native call of ours. The thread pointer is in rax. */
function emitOutsideNativeCall(glue: Glue, { completed, result, errorResult }: Exits): void {
  const { asm } = glue;
  const [otherThread, foreignStack, failed] = [asm.label(), asm.label(), asm.label()];
  const [inFastCall, noFastCall] = [asm.label(), asm.label()];
  asm.emit('cmp r64, r/m64', 'rax', glue.state(state.jsThread));
  asm.emit('jne rel32', otherThread);
  asm.emit('cmp r/m32, imm32', glue.state(state.inFastCall), 0);
  asm.emit('jne rel32', inFastCall);
  asm.emit('mov r64, r/m64', 'rax', glue.state(state.fastCallMarker));
  asm.emit('test r/m64, r64', 'rax', 'rax');
  asm.emit('je rel32', noFastCall);
  asm.emit('cmp r/m64, imm32', { base: 'rax' }, 0);
  asm.emit('jne rel32', inFastCall);
  asm.bind(noFastCall);
  emitCheckThreadStack(glue, foreignStack);

  glue.saveArguments(glue.record);
  asm.emit('mov r/m64, r64', glue.state(state.id), 'r11');
  asm.emit('mov r/m32, imm32', glue.state(state.entryPath), entryPaths.foreignCode);
  glue.pushFrame();
  asm.emit('call rel32', glue.labels.openScope);
  // The seventh argument, on the stack: NULL, since the result is not used.
  asm.emit('sub r/m64, imm8', 'rsp', 16);
  asm.emit('mov r/m64, imm32', { base: 'rsp' }, 0);
  asm.emit('mov r/m32, imm32', 'esi', 0);
  asm.emit('mov r64, r/m64', 'rdx', { base: 'r12', displacement: frame.dispatcher });
  asm.emit('mov r64, r/m64', 'rcx', 'rdx');
  asm.emit('mov r/m32, imm32', 'r8d', 0);
  asm.emit('mov r/m32, imm32', 'r9d', 0);
  glue.callNapi('napi_make_callback');
  asm.emit('test r/m32, r32', 'eax', 'eax');
  asm.emit('jne rel32', failed);
  asm.emit('call rel32', glue.labels.closeScope);
  asm.emit('jmp rel32', completed);
  asm.bind(failed);
  // Otherwise an unrelated call would throw the pending exception.
  asm.emit('lea r64, m', 'rsi', { base: 'rsp' });
  glue.callNapi('napi_get_and_clear_last_exception');
  asm.emit('call rel32', glue.labels.closeScope);
  asm.emit('jmp rel32', errorResult);

  asm.bind(inFastCall);
  asm.emit('mov r/m32, imm32', glue.state(state.failure), failures.fastCall);
  asm.emit('jmp rel32', errorResult);

  const enqueue = asm.label();
  asm.bind(foreignStack);
  asm.emit('mov r/m32, imm32', 'r10d', foreignStackMode);
  asm.emit('jmp rel32', enqueue);
  asm.bind(otherThread);
  asm.emit('mov r32, r/m32', 'r10d', { base: 'rbx', displacement: callbackInterface.crossThread });
  asm.bind(enqueue);
  emitRequest(glue, { result, errorResult });
}

/** Queues a request for the mode in r10d, and waits in mode `block`. */
function emitRequest(glue: Glue, { result, errorResult }: Pick<Exits, 'result' | 'errorResult'>): void {
  const { asm } = glue;
  const [enqueue, enqueued, waitLoop, done] = [asm.label(), asm.label(), asm.label(), asm.label()];
  asm.emit('cmp r/m32, imm32', glue.state(state.shuttingDown), 0);
  asm.emit('jne rel32', errorResult);
  // The request is on this stack, where its mode remains.
  asm.emit('mov r32, r/m32', 'eax', { base: 'rbx', displacement: callbackInterface.recordStackLength });
  asm.emit('lea r32, m', 'eax', { base: 'rax', displacement: request.length });
  asm.emit('sub r64, r/m64', 'rsp', 'rax');
  asm.emit('mov r64, r/m64', 'r12', 'rsp');
  asm.emit('mov r/m32, imm32', inRequest('r12', request.done), 0);
  asm.emit('mov r/m64, r64', inRequest('r12', request.callbackInterface), 'rbx');
  asm.emit('mov r/m64, r64', inRequest('r12', request.id), 'r11');
  asm.emit('mov r/m32, r32', inRequest('r12', request.crossThread), 'r10d');
  asm.emit('mov r64, r/m64', 'r11', 'rax');
  glue.saveArguments((offset) => inRequest('r12', request.record + offset));
  asm.emit('test r/m32, r32', 'r10d', 'r10d');
  asm.emit('je rel32', enqueue); // crossThreadModes.block
  // This thread does not wait, so the request must outlive the frame.
  asm.emit('mov r/m64, r64', requestSize, 'r11');
  asm.emit('mov r64, r/m64', 'rdi', 'r11');
  glue.callImport('malloc');
  asm.emit('test r/m64, r64', 'rax', 'rax');
  asm.emit('je rel32', errorResult);
  asm.emit('mov r64, r/m64', 'rdi', 'rax');
  asm.emit('mov r64, r/m64', 'rsi', 'r12');
  asm.emit('mov r64, r/m64', 'rcx', requestSize);
  asm.emit('mov r64, r/m64', 'r12', 'rax');
  asm.emit('rep movsb');

  asm.bind(enqueue);
  asm.emit('call rel32', glue.labels.lock);
  // The queue exists as long as the environment, which cannot end while the lock is held.
  asm.emit('mov r/m32, imm32', 'eax', -1);
  asm.emit('cmp r/m32, imm32', glue.state(state.shuttingDown), 0);
  const unlock = asm.label();
  asm.emit('jne rel32', unlock);
  asm.emit('mov r64, r/m64', 'rdi', glue.constant(constants.queue));
  asm.emit('mov r64, r/m64', 'rsi', 'r12');
  asm.emit('mov r/m32, imm32', 'edx', 0); // napi_tsfn_nonblocking
  glue.callImport('napi_call_threadsafe_function');
  asm.emit('test r/m32, r32', 'eax', 'eax');
  asm.emit('jne rel32', unlock);
  // JavaScript may already handle the request, but completes it only under the lock.
  asm.emit('mov r64, r/m64', 'rcx', glue.state(state.requests));
  asm.emit('mov r/m64, r64', inRequest('r12', request.next), 'rcx');
  asm.emit('mov r/m64, imm32', inRequest('r12', request.previous), 0);
  asm.emit('mov r/m64, r64', glue.state(state.requests), 'r12');
  asm.emit('test r/m64, r64', 'rcx', 'rcx');
  asm.emit('je rel32', unlock);
  asm.emit('mov r/m64, r64', inRequest('rcx', request.previous), 'r12');
  asm.bind(unlock);
  asm.emit('mov r/m32, imm32', glue.state(state.lock), 0);
  asm.emit('test r/m32, r32', 'eax', 'eax');
  asm.emit('je rel32', enqueued);
  asm.emit('cmp r/m32, imm32', inRequest('rsp', request.crossThread), crossThreadModes.block);
  asm.emit('je rel32', errorResult);
  asm.emit('mov r64, r/m64', 'rdi', 'r12');
  glue.callImport('free');
  asm.emit('jmp rel32', errorResult);

  asm.bind(enqueued);
  asm.emit('cmp r/m32, imm32', inRequest('rsp', request.crossThread), crossThreadModes.block);
  asm.emit('jne rel32', errorResult);
  asm.bind(waitLoop);
  asm.emit('cmp r/m32, imm32', inRequest('r12', request.done), 0);
  asm.emit('jne rel32', done);
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.futex);
  asm.emit('mov r64, r/m64', 'rdi', 'r12');
  asm.emit('mov r/m32, imm32', 'esi', FUTEX_WAIT_PRIVATE);
  asm.emit('mov r/m32, imm32', 'edx', 0);
  asm.emit('mov r/m32, imm32', 'r10d', 0); // no timeout
  asm.emit('syscall');
  asm.emit('jmp rel32', waitLoop);
  asm.bind(done);
  asm.emit('lea r64, m', 'rsi', inRequest('r12', request.record + callRecord.results));
  asm.emit('jmp rel32', result);
}
