/**
 * The JavaScript thread's side of calls from other threads. Node calls `relayed` for each request, from the event
 * loop, with scopes open. Whoever made a request that is not answered stands in a list, so that nobody waits for
 * JavaScript that is not going to run any more: `dismiss` gives them what callers get for errors.
 */
import { FUTEX_WAKE_PRIVATE, kind, origins, record, request, state, threads } from '../../glue-layout.js';
import { systemCalls } from '../system-calls.js';
import type { Glue } from './parts.js';

/** `relayed(env, callback, context, request)`. After the end requests are answered, and their memory is gone. */
export function emitRequests(glue: Glue): void {
  const { asm } = glue;
  const [failed, done] = [asm.label(), asm.label()];
  asm.bind(glue.relayed);
  asm.emit('endbr64');
  glue.enterWithFrame();
  asm.emit('cmp r/m32, imm32', glue.state(state.gone), 0);
  asm.emit('jne rel32', done);
  asm.emit('mov r64, r/m64', 'rbx', 'rcx');
  asm.emit('mov r64, r/m64', 'rax', { base: 'rbx', displacement: request.kind });
  asm.emit('mov r32, r/m32', 'ecx', { base: 'rax', displacement: kind.length });
  asm.emit('lea r32, m', 'ecx', { base: 'rcx', displacement: record.stack });
  asm.emit('lea r64, m', 'rsi', { base: 'rbx', displacement: request.record });
  asm.emit('lea r64, m', 'rdi', glue.record(0));
  asm.emit('rep movsb');
  asm.emit('mov r64, r/m64', 'rax', { base: 'rbx', displacement: request.id });
  asm.emit('mov r/m64, r64', glue.state(state.id), 'rax');
  asm.emit('mov r/m32, imm32', glue.state(state.origin), origins.relayed);
  asm.emit('mov r/m64, r64', glue.state(state.request), 'rbx');
  asm.emit('mov r/m32, imm32', glue.state(state.pending), 0);
  asm.emit('call rel32', glue.openScope);
  glue.callDispatcher();
  asm.emit('jne rel32', failed);
  asm.emit('call rel32', glue.closeScope);
  asm.emit('cmp r/m32, imm32', glue.state(state.pending), 0);
  asm.emit('jne rel32', done);
  asm.emit('call rel32', glue.answer);
  asm.bind(done);
  glue.leave();

  asm.bind(failed);
  asm.emit('call rel32', glue.closeScope);
  asm.emit('mov r/m32, imm32', glue.state(state.answered), 0);
  asm.emit('call rel32', glue.answer);
  glue.leave();
}

/** `settle()`: what a request waited for is in the state, and which request it is. */
export function emitSettle(glue: Glue): void {
  const { asm } = glue;
  asm.emit('endbr64');
  asm.emit('push r/m64', 'rbx');
  asm.emit('mov r64, r/m64', 'rbx', glue.state(state.request));
  asm.emit('call rel32', glue.answer);
  asm.emit('mov r/m32, imm32', 'eax', 0);
  asm.emit('pop r/m64', 'rbx');
  asm.emit('ret');
}

/**
 * Subroutine: ends the request at rbx with what JavaScript answered, if it did, or with the error result. When JavaScript
 * ended meanwhile, `dismiss` has done that, and the request is gone.
 */
export function emitAnswer(glue: Glue): void {
  const { asm } = glue;
  const [answered, dismissed] = [asm.label(), asm.label()];
  asm.bind(glue.answer);
  asm.emit('cmp r/m32, imm32', glue.state(state.gone), 0);
  asm.emit('jne rel32', dismissed);
  asm.emit('sub r/m64, imm8', 'rsp', 8);
  asm.emit('call rel32', glue.lock);
  asm.emit('call rel32', glue.unlink);
  asm.emit('mov r/m32, imm32', glue.state(state.lock), 0);
  asm.emit('add r/m64, imm8', 'rsp', 8);
  asm.emit('lea r64, m', 'rsi', glue.record(record.results));
  asm.emit('cmp r/m32, imm32', glue.state(state.answered), 0);
  asm.emit('jne rel32', answered);
  asm.emit('mov r64, r/m64', 'rax', { base: 'rbx', displacement: request.kind });
  asm.emit('lea r64, m', 'rsi', { base: 'rax', displacement: kind.errorResults });
  asm.bind(answered);
  asm.emit('jmp rel32', glue.finish);
  asm.bind(dismissed);
  asm.emit('ret');
}

/** Subroutine: takes the request at rbx off the list. The lock is held. */
export function emitUnlink(glue: Glue): void {
  const { asm } = glue;
  const [first, next, last] = [asm.label(), asm.label(), asm.label()];
  asm.bind(glue.unlink);
  asm.emit('mov r64, r/m64', 'rax', { base: 'rbx', displacement: request.previous });
  asm.emit('mov r64, r/m64', 'rcx', { base: 'rbx', displacement: request.next });
  asm.emit('test r/m64, r64', 'rax', 'rax');
  asm.emit('je rel32', first);
  asm.emit('mov r/m64, r64', { base: 'rax', displacement: request.next }, 'rcx');
  asm.emit('jmp rel32', next);
  asm.bind(first);
  asm.emit('mov r/m64, r64', glue.state(state.requests), 'rcx');
  asm.bind(next);
  asm.emit('test r/m64, r64', 'rcx', 'rcx');
  asm.emit('je rel32', last);
  asm.emit('mov r/m64, r64', { base: 'rcx', displacement: request.previous }, 'rax');
  asm.bind(last);
  asm.emit('ret');
}

/** Subroutine: gives the results at rsi to whoever made the request at rbx, which is off the list. */
export function emitFinish(glue: Glue): void {
  const { asm } = glue;
  const nobody = asm.label();
  asm.bind(glue.finish);
  asm.emit('cmp r/m32, imm32', { base: 'rbx', displacement: request.threads }, threads.wait);
  asm.emit('jne rel32', nobody);
  asm.emit('mov r64, r/m64', 'rax', { base: 'rbx', displacement: request.kind });
  asm.emit('mov r32, r/m32', 'ecx', { base: 'rax', displacement: kind.resultSize });
  asm.emit('lea r32, m', 'ecx', { base: 'rcx', displacement: record.stack - record.results });
  asm.emit('lea r64, m', 'rdi', { base: 'rbx', displacement: request.record + record.results });
  asm.emit('rep movsb');
  // From here on the request may be gone; a futex that nobody waits for wakes nobody.
  asm.emit('mov r/m32, imm32', { base: 'rbx', displacement: request.done }, 1);
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.futex);
  asm.emit('mov r64, r/m64', 'rdi', 'rbx');
  asm.emit('mov r/m32, imm32', 'esi', FUTEX_WAKE_PRIVATE);
  asm.emit('mov r/m32, imm32', 'edx', 1);
  asm.emit('syscall');
  asm.emit('ret');
  asm.bind(nobody);
  asm.emit('sub r/m64, imm8', 'rsp', 8);
  asm.emit('mov r64, r/m64', 'rdi', 'rbx');
  glue.callImport('free');
  asm.emit('add r/m64, imm8', 'rsp', 8);
  asm.emit('ret');
}

/** `dismiss()`: no other thread waits from now on. */
export function emitDismiss(glue: Glue): void {
  const { asm } = glue;
  const [next, done] = [asm.label(), asm.label()];
  asm.bind(glue.dismiss);
  asm.emit('endbr64');
  asm.emit('push r/m64', 'rbx');
  asm.emit('call rel32', glue.lock);
  asm.emit('mov r/m32, imm32', glue.state(state.gone), 1);
  asm.bind(next);
  asm.emit('mov r64, r/m64', 'rbx', glue.state(state.requests));
  asm.emit('test r/m64, r64', 'rbx', 'rbx');
  asm.emit('je rel32', done);
  asm.emit('call rel32', glue.unlink);
  asm.emit('mov r64, r/m64', 'rax', { base: 'rbx', displacement: request.kind });
  asm.emit('lea r64, m', 'rsi', { base: 'rax', displacement: kind.errorResults });
  asm.emit('call rel32', glue.finish);
  asm.emit('jmp rel32', next);
  asm.bind(done);
  asm.emit('mov r/m32, imm32', glue.state(state.lock), 0);
  asm.emit('mov r/m32, imm32', 'eax', 0);
  asm.emit('pop r/m64', 'rbx');
  asm.emit('ret');
}

/** `ended(data)`: the environment ends. Nobody enters JavaScript from now on, or runs on the own stack. */
export function emitEnded(glue: Glue): void {
  const { asm } = glue;
  asm.bind(glue.ended);
  asm.emit('endbr64');
  asm.emit('mov r/m64, imm32', glue.state(state.thread), 0);
  asm.emit('mov r/m64, imm32', glue.state(state.active), 0);
  // Where there is none, the length of 0 is refused.
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.munmap);
  asm.emit('mov r64, r/m64', 'rdi', glue.state(state.ownStack));
  asm.emit('mov r64, r/m64', 'rsi', glue.state(state.ownStackLength));
  asm.emit('syscall');
  asm.emit('jmp rel32', glue.dismiss);
}

/** Subroutine: takes the lock. It is held for less than a microsecond, so who does not get it lets others run. */
export function emitLock(glue: Glue): void {
  const { asm } = glue;
  const got = asm.label();
  asm.bind(glue.lock);
  asm.emit('mov r/m32, imm32', 'eax', 0);
  asm.emit('mov r/m32, imm32', 'ecx', 1);
  asm.emit('lock cmpxchg m32, r32', glue.state(state.lock), 'ecx');
  asm.emit('je rel32', got);
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.sched_yield);
  asm.emit('syscall');
  asm.emit('jmp rel32', glue.lock);
  asm.bind(got);
  asm.emit('ret');
}
