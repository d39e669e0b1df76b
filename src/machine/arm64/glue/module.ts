/** Initialisation of the glue, and its small exported functions. */
import { constants, type ExportName, NAPI_AUTO_LENGTH, state } from '../../glue-layout.js';
import type { Gpr64, Label } from '../asm/operands.js';
import type { Glue } from './parts.js';

/** `initialise(env, exports)`: called by Node on the JavaScript thread when it loads the module. */
export function emitInitialise(glue: Glue, functions: readonly (readonly [ExportName, Label])[]): void {
  const { asm } = glue;
  emitExports(glue, functions, {
    begin() {
      asm.emit('adr <Xd>, <label>', 'x11', glue.constant(constants.env));
      glue.str('x0', 'x11', 0);
      asm.emit('mrs <Xt>, tpidr_el0', 'x11');
      glue.str('x11', 'x21', state.jsThread);
    },
    end: () => glue.str('w0', 'x21', state.napiStatus),
  });
}

/**
 * Emits a function with the arguments `env` and `exports` that adds functions to the exports and returns them.
 * @param begin emits code that leaves x0 and x1 alone
 * @param end emits code for the status in w0
 */
export function emitExports(
  glue: Glue,
  functions: readonly (readonly [string, Label])[],
  { begin, end }: Readonly<Partial<Record<'begin' | 'end', () => void>>> = {},
): void {
  const { asm } = glue;
  const [addExport, failed, done] = [asm.label(), asm.label(), asm.label()];
  glue.enter();
  begin?.();
  asm.emit('mov <Xd>, <Xm>', 'x22', 'x0');
  asm.emit('mov <Xd>, <Xm>', 'x19', 'x1');
  for (const [name, label] of functions) {
    asm.emit('adr <Xd>, <label>', 'x20', glue.cString(name));
    asm.emit('adr <Xd>, <label>', 'x3', label);
    asm.emit('bl <label>', addExport);
    asm.emit('cbnz <Wt>, <label>', 'w0', done);
  }
  asm.bind(done);
  end?.();
  asm.emit('mov <Xd>, <Xm>', 'x0', 'x19');
  glue.leave();

  // Adds the function at x3 with the name at x20 to the exports in x19. w0 is the status.
  const functionSlot = ['x29', 16] as const;
  asm.bind(addExport);
  glue.push(16);
  asm.emit('mov <Xd>, <Xm>', 'x1', 'x20');
  asm.emit('mov <Xd>, #<negative>', 'x2', NAPI_AUTO_LENGTH);
  asm.emit('mov <Xd>, #<imm>', 'x4', 0);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x5', ...functionSlot);
  asm.emit('mov <Xd>, <Xm>', 'x0', 'x22');
  glue.callImport('napi_create_function');
  asm.emit('cbnz <Wt>, <label>', 'w0', failed);
  asm.emit('mov <Xd>, <Xm>', 'x1', 'x19');
  asm.emit('mov <Xd>, <Xm>', 'x2', 'x20');
  glue.ldr('x3', ...functionSlot);
  asm.emit('mov <Xd>, <Xm>', 'x0', 'x22');
  glue.callImport('napi_set_named_property');
  asm.bind(failed);
  glue.pop(16);
}

/** `attach(dispatcher, name)`: sets the function that handles the callbacks of this environment. */
export function emitAttach(glue: Glue): void {
  const { asm } = glue;
  const done = asm.label();
  const exitOnError = () => asm.emit('cbnz <Wt>, <label>', 'w0', done);
  const zero = (...registers: Gpr64[]) => {
    for (const register of registers) asm.emit('mov <Xd>, #<imm>', register, 0);
  };
  // Offsets from sp. Three stack arguments precede them.
  const [count, dispatcher, name, size] = [24, 32, 40, 48];
  glue.enter();
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'sp', 'sp', size);
  asm.emit('mov <Xd>, #<imm>', 'x11', 2);
  glue.str('x11', 'sp', count);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x2', 'sp', count);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x3', 'sp', dispatcher);
  zero('x4', 'x5');
  glue.callNapi('napi_get_cb_info');
  exitOnError();
  glue.ldr('x1', 'sp', dispatcher);
  asm.emit('mov <Wd>, #<imm>', 'w2', 1);
  asm.emit('adr <Xd>, <label>', 'x3', glue.constant(constants.dispatcher));
  glue.callNapi('napi_create_reference');
  exitOnError();
  // Eight arguments in registers, three on the stack: no function, no resource, the name, no limit, one thread; no
  // finalizer with its data, no context; the handler of an item; the address of the result.
  glue.ldr('x3', 'sp', name);
  zero('x1', 'x2', 'x4', 'x6', 'x7');
  asm.emit('mov <Xd>, #<imm>', 'x5', 1);
  glue.str('xzr', 'sp', 0);
  asm.emit('adr <Xd>, <label>', 'x11', glue.labels.handleRequest);
  glue.str('x11', 'sp', 8);
  asm.emit('adr <Xd>, <label>', 'x11', glue.constant(constants.queue));
  glue.str('x11', 'sp', 16);
  glue.callNapi('napi_create_threadsafe_function');
  exitOnError();
  asm.emit('ldr <Xt>, <label>', 'x1', glue.constant(constants.queue));
  glue.callNapi('napi_unref_threadsafe_function');
  exitOnError();
  // Hooks run in reverse order: this one before that of the queue.
  asm.emit('adr <Xd>, <label>', 'x1', glue.labels.cleanupHook);
  zero('x2');
  glue.callNapi('napi_add_env_cleanup_hook');
  asm.bind(done);
  glue.str('w0', 'x21', state.napiStatus);
  zero('x0');
  glue.leave();
}

/** `setRef()`: whether calls from other threads keep the event loop alive, according to `pendingRequest`. */
export function emitSetRef(glue: Glue): void {
  const { asm } = glue;
  const [unref, done] = [asm.label(), asm.label()];
  glue.enter();
  asm.emit('ldr <Xt>, <label>', 'x1', glue.constant(constants.queue));
  glue.ldr('w11', 'x21', state.pendingRequest);
  asm.emit('cbz <Wt>, <label>', 'w11', unref);
  glue.callNapi('napi_ref_threadsafe_function');
  asm.emit('b <label>', done);
  asm.bind(unref);
  glue.callNapi('napi_unref_threadsafe_function');
  asm.bind(done);
  asm.emit('mov <Xd>, #<imm>', 'x0', 0);
  glue.leave();
}

/** `readCString()`: returns the C string at the address in `pendingRequest` as a JavaScript string. */
export function emitReadCString(glue: Glue): void {
  const { asm } = glue;
  glue.enter();
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'sp', 'sp', 16);
  glue.str('xzr', 'sp', 0);
  glue.ldr('x1', 'x21', state.pendingRequest);
  asm.emit('mov <Xd>, #<negative>', 'x2', NAPI_AUTO_LENGTH);
  asm.emit('mov <Xd|SP>, sp', 'x3');
  glue.callNapi('napi_create_string_utf8');
  glue.ldr('x0', 'sp', 0);
  glue.leave();
}
