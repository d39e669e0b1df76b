/**
 * Calls from other threads, on the JavaScript thread. Node calls `handleRequest` for each request from the event loop,
 * in a scope. A list holds all requests that are not completed, so that no caller waits for JavaScript that will not
 * run again: `shutdown` completes them with the error result.
 */
import {
  callbackInterface,
  callRecord,
  crossThreadModes,
  entryPaths,
  FUTEX_WAKE_PRIVATE,
  foreignStackMode,
  request,
  state,
} from '../../glue-layout.js';
import { systemCalls } from '../linux/system-calls.js';
import type { Glue } from './parts.js';

/** `handleRequest(env, callback, context, request)`. After the shutdown, requests are already completed and freed. */
export function emitHandleRequest(glue: Glue): void {
  const { asm } = glue;
  const [fromOtherThread, failed, done] = [asm.label(), asm.label(), asm.label()];
  asm.bind(glue.labels.handleRequest);
  glue.enterWithFrame();
  asm.emit('cmp r/m32, imm32', glue.state(state.shuttingDown), 0);
  asm.emit('jne rel32', done);
  asm.emit('mov r64, r/m64', 'rbx', 'rcx');
  asm.emit('mov r64, r/m64', 'rax', { base: 'rbx', displacement: request.callbackInterface });
  asm.emit('mov r32, r/m32', 'ecx', { base: 'rax', displacement: callbackInterface.recordStackLength });
  asm.emit('lea r32, m', 'ecx', { base: 'rcx', displacement: callRecord.stack });
  asm.emit('lea r64, m', 'rsi', { base: 'rbx', displacement: request.record });
  asm.emit('lea r64, m', 'rdi', glue.record(0));
  asm.emit('rep movsb');
  asm.emit('mov r64, r/m64', 'rax', { base: 'rbx', displacement: request.id });
  asm.emit('mov r/m64, r64', glue.state(state.id), 'rax');
  asm.emit('mov r/m32, imm32', glue.state(state.entryPath), entryPaths.otherThread);
  asm.emit('cmp r/m32, imm32', { base: 'rbx', displacement: request.crossThread }, foreignStackMode);
  asm.emit('jne rel32', fromOtherThread);
  asm.emit('mov r/m32, imm32', glue.state(state.entryPath), entryPaths.foreignStack);
  asm.bind(fromOtherThread);
  asm.emit('mov r/m64, r64', glue.state(state.pendingRequest), 'rbx');
  asm.emit('mov r/m32, imm32', glue.state(state.deferred), 0);
  asm.emit('call rel32', glue.labels.openScope);
  glue.callDispatcher();
  asm.emit('jne rel32', failed);
  asm.emit('call rel32', glue.labels.closeScope);
  asm.emit('cmp r/m32, imm32', glue.state(state.deferred), 0);
  asm.emit('jne rel32', done);
  asm.emit('call rel32', glue.labels.unlinkAndComplete);
  asm.bind(done);
  glue.leave();

  asm.bind(failed);
  asm.emit('call rel32', glue.labels.closeScope);
  asm.emit('mov r/m32, imm32', glue.state(state.completed), 0);
  asm.emit('call rel32', glue.labels.unlinkAndComplete);
  glue.leave();
}

/** `completeRequest()`: completes `pendingRequest` with the result in the state. */
export function emitCompleteRequest(glue: Glue): void {
  const { asm } = glue;
  asm.emit('endbr64');
  asm.emit('push r/m64', 'rbx');
  asm.emit('mov r64, r/m64', 'rbx', glue.state(state.pendingRequest));
  asm.emit('call rel32', glue.labels.unlinkAndComplete);
  asm.emit('mov r/m32, imm32', 'eax', 0);
  asm.emit('pop r/m64', 'rbx');
  asm.emit('ret');
}

/**
 * Subroutine: completes the request at rbx with the result from JavaScript, or with the error result. After the
 * shutdown, the request is already completed and freed.
 */
export function emitUnlinkAndComplete(glue: Glue): void {
  const { asm } = glue;
  const [completed, afterShutdown] = [asm.label(), asm.label()];
  asm.bind(glue.labels.unlinkAndComplete);
  asm.emit('cmp r/m32, imm32', glue.state(state.shuttingDown), 0);
  asm.emit('jne rel32', afterShutdown);
  asm.emit('sub r/m64, imm8', 'rsp', 8);
  asm.emit('call rel32', glue.labels.lock);
  asm.emit('call rel32', glue.labels.unlink);
  asm.emit('mov r/m32, imm32', glue.state(state.lock), 0);
  asm.emit('add r/m64, imm8', 'rsp', 8);
  asm.emit('lea r64, m', 'rsi', glue.record(callRecord.results));
  asm.emit('cmp r/m32, imm32', glue.state(state.completed), 0);
  asm.emit('jne rel32', completed);
  asm.emit('mov r64, r/m64', 'rax', { base: 'rbx', displacement: request.callbackInterface });
  asm.emit('lea r64, m', 'rsi', { base: 'rax', displacement: callbackInterface.errorResults });
  asm.bind(completed);
  asm.emit('jmp rel32', glue.labels.deliverResult);
  asm.bind(afterShutdown);
  asm.emit('ret');
}

/** Subroutine: removes the request at rbx from the list. The lock must be held. */
export function emitUnlink(glue: Glue): void {
  const { asm } = glue;
  const [atHead, linkNext, atTail] = [asm.label(), asm.label(), asm.label()];
  asm.bind(glue.labels.unlink);
  asm.emit('mov r64, r/m64', 'rax', { base: 'rbx', displacement: request.previous });
  asm.emit('mov r64, r/m64', 'rcx', { base: 'rbx', displacement: request.next });
  asm.emit('test r/m64, r64', 'rax', 'rax');
  asm.emit('je rel32', atHead);
  asm.emit('mov r/m64, r64', { base: 'rax', displacement: request.next }, 'rcx');
  asm.emit('jmp rel32', linkNext);
  asm.bind(atHead);
  asm.emit('mov r/m64, r64', glue.state(state.requests), 'rcx');
  asm.bind(linkNext);
  asm.emit('test r/m64, r64', 'rcx', 'rcx');
  asm.emit('je rel32', atTail);
  asm.emit('mov r/m64, r64', { base: 'rcx', displacement: request.previous }, 'rax');
  asm.bind(atTail);
  asm.emit('ret');
}

/** Subroutine: passes the results at rsi to the caller of the request at rbx, which is not in the list. */
export function emitDeliverResult(glue: Glue): void {
  const { asm } = glue;
  const notWaiting = asm.label();
  asm.bind(glue.labels.deliverResult);
  asm.emit('cmp r/m32, imm32', { base: 'rbx', displacement: request.crossThread }, crossThreadModes.block);
  asm.emit('jne rel32', notWaiting);
  asm.emit('mov r64, r/m64', 'rax', { base: 'rbx', displacement: request.callbackInterface });
  asm.emit('mov r32, r/m32', 'ecx', { base: 'rax', displacement: callbackInterface.resultSize });
  asm.emit('lea r32, m', 'ecx', { base: 'rcx', displacement: callRecord.stack - callRecord.results });
  asm.emit('lea r64, m', 'rdi', { base: 'rbx', displacement: request.record + callRecord.results });
  asm.emit('rep movsb');
  // From here the request may be gone. Waking a futex without waiters does nothing.
  asm.emit('mov r/m32, imm32', { base: 'rbx', displacement: request.done }, 1);
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.futex);
  asm.emit('mov r64, r/m64', 'rdi', 'rbx');
  asm.emit('mov r/m32, imm32', 'esi', FUTEX_WAKE_PRIVATE);
  asm.emit('mov r/m32, imm32', 'edx', 1);
  asm.emit('syscall');
  asm.emit('ret');
  asm.bind(notWaiting);
  asm.emit('sub r/m64, imm8', 'rsp', 8);
  asm.emit('mov r64, r/m64', 'rdi', 'rbx');
  glue.callImport('free');
  asm.emit('add r/m64, imm8', 'rsp', 8);
  asm.emit('ret');
}

/** `shutdown()`: completes all requests. From then on calls from other threads get the error result at once. */
export function emitShutdown(glue: Glue): void {
  const { asm } = glue;
  const [nextRequest, done] = [asm.label(), asm.label()];
  asm.bind(glue.labels.shutdown);
  asm.emit('endbr64');
  asm.emit('push r/m64', 'rbx');
  asm.emit('call rel32', glue.labels.lock);
  asm.emit('mov r/m32, imm32', glue.state(state.shuttingDown), 1);
  asm.bind(nextRequest);
  asm.emit('mov r64, r/m64', 'rbx', glue.state(state.requests));
  asm.emit('test r/m64, r64', 'rbx', 'rbx');
  asm.emit('je rel32', done);
  asm.emit('call rel32', glue.labels.unlink);
  asm.emit('mov r64, r/m64', 'rax', { base: 'rbx', displacement: request.callbackInterface });
  asm.emit('lea r64, m', 'rsi', { base: 'rax', displacement: callbackInterface.errorResults });
  asm.emit('call rel32', glue.labels.deliverResult);
  asm.emit('jmp rel32', nextRequest);
  asm.bind(done);
  asm.emit('mov r/m32, imm32', glue.state(state.lock), 0);
  asm.emit('mov r/m32, imm32', 'eax', 0);
  asm.emit('pop r/m64', 'rbx');
  asm.emit('ret');
}

/** `cleanupHook(data)`: the environment ends. From then on no call enters JavaScript or uses the fiber. */
export function emitCleanupHook(glue: Glue): void {
  const { asm } = glue;
  asm.bind(glue.labels.cleanupHook);
  asm.emit('endbr64');
  asm.emit('mov r/m64, imm32', glue.state(state.jsThread), 0);
  asm.emit('mov r/m64, imm32', glue.state(state.activeThread), 0);
  // Without a fiber stack the length is 0, and munmap fails.
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.munmap);
  asm.emit('mov r64, r/m64', 'rdi', glue.state(state.fiberStack));
  asm.emit('mov r64, r/m64', 'rsi', glue.state(state.fiberStackLength));
  asm.emit('syscall');
  asm.emit('jmp rel32', glue.labels.shutdown);
}

/** Subroutine: acquires the lock. It is held for less than 1 us, so a waiting thread yields its CPU. */
export function emitLock(glue: Glue): void {
  const { asm } = glue;
  const acquired = asm.label();
  asm.bind(glue.labels.lock);
  asm.emit('mov r/m32, imm32', 'eax', 0);
  asm.emit('mov r/m32, imm32', 'ecx', 1);
  asm.emit('lock cmpxchg m32, r32', glue.state(state.lock), 'ecx');
  asm.emit('je rel32', acquired);
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.sched_yield);
  asm.emit('syscall');
  asm.emit('jmp rel32', glue.labels.lock);
  asm.bind(acquired);
  asm.emit('ret');
}
