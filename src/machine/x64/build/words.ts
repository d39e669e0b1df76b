/** Functions of the native module that write many words: see `moduleFunctions`. */
import type { Gpr64 } from '../asm/operands.js';
import type { Glue } from '../glue/parts.js';

export function emitCopyWords(glue: Glue): void {
  const { asm } = glue;
  emitLoop(glue, 'r8', () => {
    asm.emit('mov r64, r/m64', 'rax', { base: 'rdx' });
    asm.emit('mov r/m64, r64', { base: 'rdi' }, 'rax');
    asm.emit('add r64, r/m64', 'rdx', 'rcx');
    asm.emit('add r64, r/m64', 'rdi', 'rsi');
  });
}

export function emitFillWords(glue: Glue): void {
  const { asm } = glue;
  emitLoop(glue, 'r8', () => {
    asm.emit('mov r/m64, r64', { base: 'rdi' }, 'rdx');
    asm.emit('add r64, r/m64', 'rdx', 'rcx');
    asm.emit('add r64, r/m64', 'rdi', 'rsi');
  });
}

/** Emits a function that repeats a step as often as a register says. */
function emitLoop({ asm }: Glue, count: Gpr64, emitStep: () => void): void {
  const [repeat, done] = [asm.label(), asm.label()];
  asm.emit('endbr64');
  asm.emit('test r/m64, r64', count, count);
  asm.emit('je rel32', done);
  asm.bind(repeat);
  emitStep();
  asm.emit('add r/m64, imm8', count, -1);
  asm.emit('jne rel32', repeat);
  asm.bind(done);
  asm.emit('ret');
}
