/**
 * Fast calls: V8's optimised code calls C without Node-API. No JavaScript may run before C has returned: the entry of
 * callbacks refuses them until then.
 */
import { callRecord, state } from '../../glue-layout.js';
import { currentRecord, type Glue } from './parts.js';

/** AAPCS64, "Parameter passing". */
const argumentRegisters = ['x0', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'x7'] as const;

/**
 * `fastCall(receiver, …)`: calls the function at x9 without the receiver, which V8 passes first. So the eighth argument of
 * the function is on the stack.
 */
export function emitFastCall(glue: Glue): void {
  const { asm } = glue;
  asm.emit('bti c');
  emitRemoveReceiver(glue);
  asm.emit('mov <Xd>, <Xm>', 'x16', 'x9'); // landing pads of functions accept branches through x16
  asm.emit('br <Xn>', 'x16');
}

/** The same, but stores the result in the state, and returns 1. */
export function emitFastCallToMemory(glue: Glue): void {
  const { asm } = glue;
  asm.emit('bti c');
  emitRemoveReceiver(glue);
  glue.push(16);
  glue.str('x21', 'sp', 16);
  asm.emit('blr <Xn>', 'x9');
  glue.loadState();
  glue.str('x0', currentRecord[0], currentRecord[1] + callRecord.results);
  asm.emit('mov <Xd>, #<imm>', 'x0', 1);
  glue.ldr('x21', 'sp', 16);
  glue.pop(16);
}

function emitRemoveReceiver(glue: Glue): void {
  for (const [index, register] of argumentRegisters.slice(1).entries())
    glue.asm.emit('mov <Xd>, <Xm>', argumentRegisters[index]!, register);
  glue.ldr('x7', 'sp', 0);
}

/** `invokeFast()`: makes the call in the state. V8 and Node-API call it alike: it uses no argument and returns NULL. */
export function emitInvokeFast(glue: Glue): void {
  const { asm } = glue;
  glue.enter();
  glue.set(1, 'x21', state.inFastCall);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x19', 'x21', state.call);
  asm.emit('bl <label>', glue.labels.callTarget);
  glue.set(0, 'x21', state.inFastCall);
  asm.emit('mov <Xd>, #<imm>', 'x0', 0);
  glue.leave();
}
