/** How the glue starts, and the small functions that JavaScript gets from it. */
import { constants, type ExportName, state } from '../../glue-layout.js';
import type { Label, Memory } from '../operands.js';
import type { Glue } from './parts.js';

const local = (displacement: number): Memory => ({ base: 'rbp', displacement });

/** `initialise(env, exports)`: Node loads the module on the JavaScript thread. */
export function emitInitialise(glue: Glue, functions: readonly (readonly [ExportName, Label])[]): void {
  const { asm } = glue;
  const [add, failed, done] = [asm.label(), asm.label(), asm.label()];
  asm.emit('endbr64');
  asm.emit('push r/m64', 'rbp');
  asm.emit('mov r64, r/m64', 'rbp', 'rsp');
  asm.emit('push r/m64', 'rbx');
  asm.emit('push r/m64', 'r12');
  asm.emit('sub r/m64, imm8', 'rsp', 16);
  asm.emit('mov r/m64, r64', glue.constant(constants.env), 'rdi');
  asm.emit('mov r64, r/m64', 'rbx', 'rsi');
  glue.threadPointer();
  asm.emit('mov r/m64, r64', glue.state(state.thread), 'rax');
  for (const [name, at] of functions) {
    asm.emit('lea r64, m', 'r12', { to: glue.text(name) });
    asm.emit('lea r64, m', 'rcx', { to: at });
    asm.emit('call rel32', add);
    asm.emit('jne rel32', done);
  }
  asm.bind(done);
  asm.emit('mov r/m32, r32', glue.state(state.status), 'eax');
  asm.emit('mov r64, r/m64', 'rax', 'rbx');
  glue.leave();

  // Adds the function at rcx by the name at r12 to the exports at rbx. The flags tell whether Node did it.
  asm.bind(add);
  asm.emit('sub r/m64, imm8', 'rsp', 8);
  asm.emit('mov r64, r/m64', 'rsi', 'r12');
  asm.emit('mov r/m64, imm32', 'rdx', -1); // NAPI_AUTO_LENGTH
  asm.emit('mov r/m32, imm32', 'r8d', 0);
  asm.emit('lea r64, m', 'r9', local(-24));
  glue.callNode('napi_create_function');
  asm.emit('test r/m32, r32', 'eax', 'eax');
  asm.emit('jne rel32', failed);
  asm.emit('mov r64, r/m64', 'rsi', 'rbx');
  asm.emit('mov r64, r/m64', 'rdx', 'r12');
  asm.emit('mov r64, r/m64', 'rcx', local(-24));
  glue.callNode('napi_set_named_property');
  asm.bind(failed);
  asm.emit('add r/m64, imm8', 'rsp', 8);
  asm.emit('test r/m32, r32', 'eax', 'eax');
  asm.emit('ret');
}

/** `attach(dispatcher, name)`: what the closures of this environment are answered by. */
export function emitAttach(glue: Glue): void {
  const { asm } = glue;
  const done = asm.label();
  const check = () => {
    asm.emit('test r/m32, r32', 'eax', 'eax');
    asm.emit('jne rel32', done);
  };
  const zero = (...registers: ('esi' | 'edx' | 'r8d' | 'r9d')[]) => {
    for (const register of registers) asm.emit('mov r/m32, imm32', register, 0);
  };
  const [count, dispatcher, name] = [local(-8), local(-24), local(-16)];
  asm.emit('endbr64');
  asm.emit('push r/m64', 'rbp');
  asm.emit('mov r64, r/m64', 'rbp', 'rsp');
  asm.emit('sub r/m64, imm8', 'rsp', 80);
  asm.emit('mov r/m64, imm32', count, 2);
  asm.emit('lea r64, m', 'rdx', count);
  asm.emit('lea r64, m', 'rcx', dispatcher);
  zero('r8d', 'r9d');
  glue.callNode('napi_get_cb_info');
  check();
  asm.emit('mov r64, r/m64', 'rsi', dispatcher);
  asm.emit('mov r/m32, imm32', 'edx', 1);
  asm.emit('lea r64, m', 'rcx', glue.constant(constants.dispatcher));
  glue.callNode('napi_create_reference');
  check();
  // Six arguments in registers, five on the stack: no function, resource and limit; one thread; no finalizer, its
  // data and context; what handles an item; where the queue goes.
  asm.emit('mov r64, r/m64', 'rcx', name);
  zero('esi', 'edx', 'r8d');
  asm.emit('mov r/m32, imm32', 'r9d', 1);
  for (const place of [0, 8, 16]) asm.emit('mov r/m64, imm32', { base: 'rsp', displacement: place }, 0);
  asm.emit('lea r64, m', 'rax', { to: glue.relayed });
  asm.emit('mov r/m64, r64', { base: 'rsp', displacement: 24 }, 'rax');
  asm.emit('lea r64, m', 'rax', glue.constant(constants.queue));
  asm.emit('mov r/m64, r64', { base: 'rsp', displacement: 32 }, 'rax');
  glue.callNode('napi_create_threadsafe_function');
  check();
  asm.emit('mov r64, r/m64', 'rsi', glue.constant(constants.queue));
  glue.callNode('napi_unref_threadsafe_function');
  check();
  // Hooks run in the opposite order: this one before the queue's own.
  asm.emit('lea r64, m', 'rsi', { to: glue.ended });
  zero('edx');
  glue.callNode('napi_add_env_cleanup_hook');
  asm.bind(done);
  asm.emit('mov r/m32, r32', glue.state(state.status), 'eax');
  asm.emit('mov r/m32, imm32', 'eax', 0);
  asm.emit('leave');
  asm.emit('ret');
}

/** `hold()`: whether the event loop stays alive for calls from other threads, as `request` says. */
export function emitHold(glue: Glue): void {
  const { asm } = glue;
  const [release, done] = [asm.label(), asm.label()];
  asm.emit('endbr64');
  asm.emit('sub r/m64, imm8', 'rsp', 8);
  asm.emit('mov r64, r/m64', 'rsi', glue.constant(constants.queue));
  asm.emit('cmp r/m32, imm32', glue.state(state.request), 0);
  asm.emit('je rel32', release);
  glue.callNode('napi_ref_threadsafe_function');
  asm.emit('jmp rel32', done);
  asm.bind(release);
  glue.callNode('napi_unref_threadsafe_function');
  asm.bind(done);
  asm.emit('mov r/m32, imm32', 'eax', 0);
  asm.emit('add r/m64, imm8', 'rsp', 8);
  asm.emit('ret');
}

/** `text()`: the C string at the address in `request`, as JavaScript's. */
export function emitText(glue: Glue): void {
  const { asm } = glue;
  const string = { base: 'rsp', displacement: 8 } as const;
  asm.emit('endbr64');
  asm.emit('sub r/m64, imm8', 'rsp', 24);
  asm.emit('mov r/m64, imm32', string, 0);
  asm.emit('mov r64, r/m64', 'rsi', glue.state(state.request));
  asm.emit('mov r/m64, imm32', 'rdx', -1); // NAPI_AUTO_LENGTH
  asm.emit('lea r64, m', 'rcx', string);
  glue.callNode('napi_create_string_utf8');
  asm.emit('mov r64, r/m64', 'rax', string);
  asm.emit('add r/m64, imm8', 'rsp', 24);
  asm.emit('ret');
}
