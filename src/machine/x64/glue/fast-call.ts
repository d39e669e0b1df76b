/**
 * Fast calls: V8's optimised code calls C without Node-API. No JavaScript may run before C has returned: the entry of
 * callbacks refuses them until then.
 */
import { callRecord, state } from '../../glue-layout.js';
import { argumentRegisters, type Glue } from './parts.js';

/**
 * `fastCall(receiver, …)`: calls the function at r10 without the receiver, which V8 passes first. So the sixth argument of
 * the function is on the stack.
 */
export function emitFastCall(glue: Glue): void {
  const { asm } = glue;
  asm.emit('endbr64');
  emitRemoveReceiver(glue);
  asm.emit('jmp r/m64', 'r10');
}

/** The same, but stores the result in the state, and returns 1. */
export function emitFastCallToMemory(glue: Glue): void {
  const { asm } = glue;
  asm.emit('endbr64');
  emitRemoveReceiver(glue);
  asm.emit('sub r/m64, imm8', 'rsp', 8);
  asm.emit('call r/m64', 'r10');
  asm.emit('mov r/m64, r64', glue.record(callRecord.results), 'rax');
  asm.emit('mov r/m32, imm32', 'eax', 1);
  asm.emit('add r/m64, imm8', 'rsp', 8);
  asm.emit('ret');
}

function emitRemoveReceiver({ asm }: Glue): void {
  for (const [index, register] of argumentRegisters.slice(1).entries())
    asm.emit('mov r64, r/m64', argumentRegisters[index]!, register);
  asm.emit('mov r64, r/m64', 'r9', { base: 'rsp', displacement: 8 });
}

/** `invokeFast()`: makes the call in the state. V8 and Node-API call it alike: it uses no argument and returns NULL. */
export function emitInvokeFast(glue: Glue): void {
  const { asm } = glue;
  glue.enter();
  asm.emit('mov r/m32, imm32', glue.state(state.inFastCall), 1);
  asm.emit('lea r64, m', 'rbx', glue.state(state.call));
  asm.emit('call rel32', glue.labels.callTarget);
  asm.emit('mov r/m32, imm32', glue.state(state.inFastCall), 0);
  asm.emit('mov r/m32, imm32', 'eax', 0);
  glue.leave();
}
