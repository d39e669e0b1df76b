/** Initialisation of the glue, and its small exported functions. */
import { constants, type ExportName, NAPI_AUTO_LENGTH, state } from '../../glue-layout.js';
import type { Label, Memory } from '../asm/operands.js';
import type { Glue } from './parts.js';

const frameSlot = (displacement: number): Memory => ({ base: 'rbp', displacement });

/** `initialise(env, exports)`: called by Node on the JavaScript thread when it loads the module. */
export function emitInitialise(glue: Glue, functions: readonly (readonly [ExportName, Label])[]): void {
  const { asm } = glue;
  emitExports(glue, functions, {
    begin() {
      asm.emit('mov r/m64, r64', glue.constant(constants.env), 'rdi');
      glue.loadThreadPointer();
      asm.emit('mov r/m64, r64', glue.state(state.jsThread), 'rax');
    },
    end: () => asm.emit('mov r/m32, r32', glue.state(state.napiStatus), 'eax'),
  });
}

/**
 * Emits a function with the arguments `env` and `exports` that adds functions to the exports and returns them.
 * @param begin emits code that leaves rdi and rsi alone
 * @param end emits code for the status in eax
 */
export function emitExports(
  glue: Glue,
  functions: readonly (readonly [string, Label])[],
  { begin, end }: Readonly<Partial<Record<'begin' | 'end', () => void>>> = {},
): void {
  const { asm } = glue;
  const [addExport, failed, done] = [asm.label(), asm.label(), asm.label()];
  const [func, env] = [frameSlot(-24), frameSlot(-32)];
  glue.enter();
  asm.emit('sub r/m64, imm8', 'rsp', 16);
  begin?.();
  asm.emit('mov r/m64, r64', env, 'rdi');
  asm.emit('mov r64, r/m64', 'rbx', 'rsi');
  for (const [name, label] of functions) {
    asm.emit('lea r64, m', 'r12', { to: glue.cString(name) });
    asm.emit('lea r64, m', 'rcx', { to: label });
    asm.emit('call rel32', addExport);
    asm.emit('jne rel32', done);
  }
  asm.bind(done);
  end?.();
  asm.emit('mov r64, r/m64', 'rax', 'rbx');
  glue.leave();

  // Adds the function at rcx with the name at r12 to the exports in rbx. ZF is set on success.
  asm.bind(addExport);
  asm.emit('sub r/m64, imm8', 'rsp', 8);
  asm.emit('mov r64, r/m64', 'rsi', 'r12');
  asm.emit('mov r/m64, imm32', 'rdx', NAPI_AUTO_LENGTH);
  asm.emit('mov r/m32, imm32', 'r8d', 0);
  asm.emit('lea r64, m', 'r9', func);
  asm.emit('mov r64, r/m64', 'rdi', env);
  glue.callImport('napi_create_function');
  asm.emit('test r/m32, r32', 'eax', 'eax');
  asm.emit('jne rel32', failed);
  asm.emit('mov r64, r/m64', 'rsi', 'rbx');
  asm.emit('mov r64, r/m64', 'rdx', 'r12');
  asm.emit('mov r64, r/m64', 'rcx', func);
  asm.emit('mov r64, r/m64', 'rdi', env);
  glue.callImport('napi_set_named_property');
  asm.bind(failed);
  asm.emit('add r/m64, imm8', 'rsp', 8);
  asm.emit('test r/m32, r32', 'eax', 'eax');
  asm.emit('ret');
}

/** `attach(dispatcher, name)`: sets the function that handles the callbacks of this environment. */
export function emitAttach(glue: Glue): void {
  const { asm } = glue;
  const done = asm.label();
  const exitOnError = () => {
    asm.emit('test r/m32, r32', 'eax', 'eax');
    asm.emit('jne rel32', done);
  };
  const zeroRegisters = (...registers: ('esi' | 'edx' | 'r8d' | 'r9d')[]) => {
    for (const register of registers) asm.emit('mov r/m32, imm32', register, 0);
  };
  const [count, dispatcher, name] = [frameSlot(-8), frameSlot(-24), frameSlot(-16)];
  asm.emit('endbr64');
  asm.emit('push r/m64', 'rbp');
  asm.emit('mov r64, r/m64', 'rbp', 'rsp');
  asm.emit('sub r/m64, imm8', 'rsp', 80);
  asm.emit('mov r/m64, imm32', count, 2);
  asm.emit('lea r64, m', 'rdx', count);
  asm.emit('lea r64, m', 'rcx', dispatcher);
  zeroRegisters('r8d', 'r9d');
  glue.callNapi('napi_get_cb_info');
  exitOnError();
  asm.emit('mov r64, r/m64', 'rsi', dispatcher);
  asm.emit('mov r/m32, imm32', 'edx', 1);
  asm.emit('lea r64, m', 'rcx', glue.constant(constants.dispatcher));
  glue.callNapi('napi_create_reference');
  exitOnError();
  // Six arguments in registers, five on the stack: no function, no resource, the name, no limit, one thread; no
  // finalizer with its data, no context; the handler of an item; the address of the result.
  asm.emit('mov r64, r/m64', 'rcx', name);
  zeroRegisters('esi', 'edx', 'r8d');
  asm.emit('mov r/m32, imm32', 'r9d', 1);
  for (const offset of [0, 8, 16]) asm.emit('mov r/m64, imm32', { base: 'rsp', displacement: offset }, 0);
  asm.emit('lea r64, m', 'rax', { to: glue.labels.handleRequest });
  asm.emit('mov r/m64, r64', { base: 'rsp', displacement: 24 }, 'rax');
  asm.emit('lea r64, m', 'rax', glue.constant(constants.queue));
  asm.emit('mov r/m64, r64', { base: 'rsp', displacement: 32 }, 'rax');
  glue.callNapi('napi_create_threadsafe_function');
  exitOnError();
  asm.emit('mov r64, r/m64', 'rsi', glue.constant(constants.queue));
  glue.callNapi('napi_unref_threadsafe_function');
  exitOnError();
  // Hooks run in reverse order: this one before that of the queue.
  asm.emit('lea r64, m', 'rsi', { to: glue.labels.cleanupHook });
  zeroRegisters('edx');
  glue.callNapi('napi_add_env_cleanup_hook');
  asm.bind(done);
  asm.emit('mov r/m32, r32', glue.state(state.napiStatus), 'eax');
  asm.emit('mov r/m32, imm32', 'eax', 0);
  asm.emit('leave');
  asm.emit('ret');
}

/** `setRef()`: whether calls from other threads keep the event loop alive, according to `pendingRequest`. */
export function emitSetRef(glue: Glue): void {
  const { asm } = glue;
  const [unref, done] = [asm.label(), asm.label()];
  asm.emit('endbr64');
  asm.emit('sub r/m64, imm8', 'rsp', 8);
  asm.emit('mov r64, r/m64', 'rsi', glue.constant(constants.queue));
  asm.emit('cmp r/m32, imm32', glue.state(state.pendingRequest), 0);
  asm.emit('je rel32', unref);
  glue.callNapi('napi_ref_threadsafe_function');
  asm.emit('jmp rel32', done);
  asm.bind(unref);
  glue.callNapi('napi_unref_threadsafe_function');
  asm.bind(done);
  asm.emit('mov r/m32, imm32', 'eax', 0);
  asm.emit('add r/m64, imm8', 'rsp', 8);
  asm.emit('ret');
}

/** `readCString()`: returns the C string at the address in `pendingRequest` as a JavaScript string. */
export function emitReadCString(glue: Glue): void {
  const { asm } = glue;
  const string = { base: 'rsp', displacement: 8 } as const;
  asm.emit('endbr64');
  asm.emit('sub r/m64, imm8', 'rsp', 24);
  asm.emit('mov r/m64, imm32', string, 0);
  asm.emit('mov r64, r/m64', 'rsi', glue.state(state.pendingRequest));
  asm.emit('mov r/m64, imm32', 'rdx', NAPI_AUTO_LENGTH);
  asm.emit('lea r64, m', 'rcx', string);
  glue.callNapi('napi_create_string_utf8');
  asm.emit('mov r64, r/m64', 'rax', string);
  asm.emit('add r/m64, imm8', 'rsp', 24);
  asm.emit('ret');
}
