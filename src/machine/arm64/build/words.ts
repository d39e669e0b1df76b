/** Functions of the native module that write many words: see `moduleFunctions`. */
import type { Gpr64, Gpr64Sp } from '../asm/operands.js';
import type { Glue } from '../glue/parts.js';

export function emitCopyWords(glue: Glue): void {
  const { asm } = glue;
  emitLoop(glue, 'x4', () => {
    glue.ldr('x9', 'x2', 0);
    glue.str('x9', 'x0', 0);
    asm.emit('add <Xd>, <Xn>, <Xm>', 'x2', 'x2', 'x3');
    asm.emit('add <Xd>, <Xn>, <Xm>', 'x0', 'x0', 'x1');
  });
}

export function emitFillWords(glue: Glue): void {
  const { asm } = glue;
  emitLoop(glue, 'x4', () => {
    glue.str('x2', 'x0', 0);
    asm.emit('add <Xd>, <Xn>, <Xm>', 'x2', 'x2', 'x3');
    asm.emit('add <Xd>, <Xn>, <Xm>', 'x0', 'x0', 'x1');
  });
}

/** Emits a function that repeats a step as often as a register says. */
function emitLoop({ asm }: Glue, count: Gpr64 & Gpr64Sp, emitStep: () => void): void {
  const [repeat, done] = [asm.label(), asm.label()];
  asm.emit('bti c');
  asm.emit('cbz <Xt>, <label>', count, done);
  asm.bind(repeat);
  emitStep();
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', count, count, 1);
  asm.emit('cbnz <Xt>, <label>', count, repeat);
  asm.bind(done);
  asm.emit('ret');
}
