/** The type `user`: load registers, write stack data, jump. */
import { descriptor, stackWord } from '../../fault-control.js';
import type { Assembler } from '../assembler.js';
import { emitCount, type FaultType } from '../fault-handler.js';
import type { Label } from '../operands.js';
import { linkRegister, ucontext } from '../signal-frame.js';

/**
 * Entered with the descriptor in x12, the counters at x10, and x0, x1 and x2 as the kernel gave them. First everything
 * is checked, so that a refused invocation leaves the frame as it was.
 */
export const user: FaultType = {
  name: 'user',
  emit(asm, { refuse, leave }) {
    asm.emit('ldrh <Wt>, [<Xn|SP>, #<pimm>]', 'w3', 'x12', descriptor.lists);
    asm.emit('and <Xd|SP>, <Xn>, #<mask>', 'x11', 'x3', -2);
    asm.emit('add <Xd>, <Xn>, <Xm>', 'x11', 'x11', 'x12'); // the lists
    emitDataCursor(asm);
    emitAllowed(asm, refuse);
    emitCallers(asm, refuse);

    emitCount(asm);
    emitRegisters(asm);
    asm.emit('b <label>', leave);
  },
};

/** x13: the data words; w3 has whether there is stack data. */
function emitDataCursor(asm: Assembler): void {
  const none = asm.label();
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x13', 'x12', descriptor.data);
  asm.emit('tbz <Wt>, #<bit>, <label>', 'w3', 0, none);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x13', 'x13', stackWord.length);
  asm.bind(none);
}

/** Moves x11 behind the list. */
function emitAllowed(asm: Assembler, refuse: Label): void {
  const [next, found] = [asm.label(), asm.label()];
  asm.emit('ldrb <Wt>, [<Xn|SP>, #<pimm>]', 'w4', 'x12', descriptor.allowedBytes);
  asm.emit('add <Xd>, <Xn>, <Xm>', 'x4', 'x4', 'x11'); // the end
  asm.emit('cmp <Xn>, <Xm>', 'x4', 'x11');
  asm.emit('b.<cond> <label>', 'eq', found);
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x5', 'x13', 0);
  asm.bind(next);
  asm.emit('ldr <Xt>, [<Xn|SP>], #<simm>', 'x6', 'x11', 8);
  asm.emit('cmp <Xn>, <Xm>', 'x5', 'x6');
  asm.emit('b.<cond> <label>', 'eq', found);
  asm.emit('cmp <Xn>, <Xm>', 'x11', 'x4');
  asm.emit('b.<cond> <label>', 'ne', next);
  asm.emit('b <label>', refuse);
  asm.bind(found);
  asm.emit('mov <Xd>, <Xm>', 'x11', 'x4');
}

/** The caller is who left the return address; the program can set that, so this is a diagnostic. */
function emitCallers(asm: Assembler, refuse: Label): void {
  const [next, other, done] = [asm.label(), asm.label(), asm.label()];
  asm.emit('ldrb <Wt>, [<Xn|SP>, #<pimm>]', 'w4', 'x12', descriptor.callerBytes);
  asm.emit('cbz <Wt>, <label>', 'w4', done);
  asm.emit('add <Xd>, <Xn>, <Xm>', 'x4', 'x4', 'x11'); // the end
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x5', 'x2', linkRegister);
  asm.bind(next);
  asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>], #<simm>', 'x6', 'x7', 'x11', 16);
  asm.emit('cmp <Xn>, <Xm>', 'x5', 'x6');
  asm.emit('b.<cond> <label>', 'cc', other);
  asm.emit('cmp <Xn>, <Xm>', 'x5', 'x7');
  asm.emit('b.<cond> <label>', 'cc', done);
  asm.bind(other);
  asm.emit('cmp <Xn>, <Xm>', 'x11', 'x4');
  asm.emit('b.<cond> <label>', 'ne', next);
  asm.emit('b <label>', refuse);
  asm.bind(done);
}

/** Puts the values into the frame, where the register of bit n stands in place n. x13 ends behind the values. */
function emitRegisters(asm: Assembler): void {
  const [next, done] = [asm.label(), asm.label()];
  asm.emit('ldr <Xt>, [<Xn|SP>], #<simm>', 'x3', 'x13', 8);
  asm.emit('str <Xt>, [<Xn|SP>, #<pimm>]', 'x3', 'x2', ucontext.pc);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x4', 'x2', ucontext.registers);
  asm.emit('ldr <Wt>, [<Xn|SP>, #<pimm>]', 'w5', 'x12', descriptor.mask);
  asm.bind(next);
  asm.emit('cbz <Xt>, <label>', 'x5', done);
  asm.emit('rbit <Xd>, <Xn>', 'x6', 'x5');
  asm.emit('clz <Xd>, <Xn>', 'x6', 'x6'); // the lowest bit
  asm.emit('ldr <Xt>, [<Xn|SP>], #<simm>', 'x7', 'x13', 8);
  asm.emit('str <Xt>, [<Xn|SP>, <Xm>, lsl #3]', 'x7', 'x4', 'x6');
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'x6', 'x5', 1);
  asm.emit('and <Xd>, <Xn>, <Xm>', 'x5', 'x5', 'x6'); // clears it
  asm.emit('b <label>', next);
  asm.bind(done);
}
