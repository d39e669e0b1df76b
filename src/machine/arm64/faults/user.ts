/** The type `user`: load registers, write stack data, jump. */
import { faultRecord, hasStackData, stackHeader } from '../../fault-control.js';
import type { Assembler } from '../asm/assembler.js';
import type { Label } from '../asm/operands.js';
import { emitIncrementCounter, type FaultType } from './fault-type.js';
import { linkRegisterOffset, ucontext } from './signal-frame.js';

/**
 * Entered with the address of the record in x12, of the counters in x10, and x0, x1 and x2 as on handler entry. All
 * checks precede the first change of the frame, which a refused invocation leaves unchanged.
 */
export const user: FaultType = {
  name: 'user',
  emit(asm, { reject, complete }) {
    asm.emit('ldrh <Wt>, [<Xn|SP>, #<pimm>]', 'w3', 'x12', faultRecord.listsOffset);
    asm.emit('and <Xd|SP>, <Xn>, #<mask>', 'x11', 'x3', ~hasStackData);
    asm.emit('add <Xd>, <Xn>, <Xm>', 'x11', 'x11', 'x12'); // the lists
    emitDataCursor(asm);
    emitCheckAllowedPc(asm, reject);
    emitCheckCaller(asm, reject);

    emitIncrementCounter(asm);
    emitLoadRegisters(asm);
    asm.emit('b <label>', complete);
  },
};

/** Sets x13 to the address of the data words. w3 is the field with the flag `hasStackData`. */
function emitDataCursor(asm: Assembler): void {
  const noStackData = asm.label();
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x13', 'x12', faultRecord.data);
  asm.emit('tbz <Wt>, #<bit>, <label>', 'w3', Math.log2(hasStackData), noStackData);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x13', 'x13', stackHeader.length);
  asm.bind(noStackData);
}

/** Checks the PC. Afterwards x11 is the end of the list. */
function emitCheckAllowedPc(asm: Assembler, reject: Label): void {
  const [nextEntry, allowed] = [asm.label(), asm.label()];
  asm.emit('ldrb <Wt>, [<Xn|SP>, #<pimm>]', 'w4', 'x12', faultRecord.allowedPcBytes);
  asm.emit('add <Xd>, <Xn>, <Xm>', 'x4', 'x4', 'x11'); // the end
  asm.emit('cmp <Xn>, <Xm>', 'x4', 'x11');
  asm.emit('b.<cond> <label>', 'eq', allowed);
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x5', 'x13', 0);
  asm.bind(nextEntry);
  asm.emit('ldr <Xt>, [<Xn|SP>], #<simm>', 'x6', 'x11', 8);
  asm.emit('cmp <Xn>, <Xm>', 'x5', 'x6');
  asm.emit('b.<cond> <label>', 'eq', allowed);
  asm.emit('cmp <Xn>, <Xm>', 'x11', 'x4');
  asm.emit('b.<cond> <label>', 'ne', nextEntry);
  asm.emit('b <label>', reject);
  asm.bind(allowed);
  asm.emit('mov <Xd>, <Xm>', 'x11', 'x4');
}

/** Checks the return address. The program can set it, so this is a diagnostic. */
function emitCheckCaller(asm: Assembler, reject: Label): void {
  const [nextRange, outOfRange, done] = [asm.label(), asm.label(), asm.label()];
  asm.emit('ldrb <Wt>, [<Xn|SP>, #<pimm>]', 'w4', 'x12', faultRecord.allowedCallerBytes);
  asm.emit('cbz <Wt>, <label>', 'w4', done);
  asm.emit('add <Xd>, <Xn>, <Xm>', 'x4', 'x4', 'x11'); // the end
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x5', 'x2', linkRegisterOffset);
  asm.bind(nextRange);
  asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>], #<simm>', 'x6', 'x7', 'x11', 16);
  asm.emit('cmp <Xn>, <Xm>', 'x5', 'x6');
  asm.emit('b.<cond> <label>', 'cc', outOfRange);
  asm.emit('cmp <Xn>, <Xm>', 'x5', 'x7');
  asm.emit('b.<cond> <label>', 'cc', done);
  asm.bind(outOfRange);
  asm.emit('cmp <Xn>, <Xm>', 'x11', 'x4');
  asm.emit('b.<cond> <label>', 'ne', nextRange);
  asm.emit('b <label>', reject);
  asm.bind(done);
}

/** Stores the values in the frame: bit n of the mask is register n there. Afterwards x13 is the end of the values. */
function emitLoadRegisters(asm: Assembler): void {
  const [nextRegister, done] = [asm.label(), asm.label()];
  asm.emit('ldr <Xt>, [<Xn|SP>], #<simm>', 'x3', 'x13', 8);
  asm.emit('str <Xt>, [<Xn|SP>, #<pimm>]', 'x3', 'x2', ucontext.pc);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x4', 'x2', ucontext.registers);
  asm.emit('ldr <Wt>, [<Xn|SP>, #<pimm>]', 'w5', 'x12', faultRecord.registerMask);
  asm.bind(nextRegister);
  asm.emit('cbz <Xt>, <label>', 'x5', done);
  asm.emit('rbit <Xd>, <Xn>', 'x6', 'x5');
  asm.emit('clz <Xd>, <Xn>', 'x6', 'x6'); // the lowest bit
  asm.emit('ldr <Xt>, [<Xn|SP>], #<simm>', 'x7', 'x13', 8);
  asm.emit('str <Xt>, [<Xn|SP>, <Xm>, lsl #3]', 'x7', 'x4', 'x6');
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'x6', 'x5', 1);
  asm.emit('and <Xd>, <Xn>, <Xm>', 'x5', 'x5', 'x6'); // clears it
  asm.emit('b <label>', nextRegister);
  asm.bind(done);
}
