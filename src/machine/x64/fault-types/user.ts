/** The type `user`: load registers, write stack data, jump. */
import { x64Registers } from '../../../trampoline/registers.js';
import { descriptor, stackWord } from '../../fault-control.js';
import type { Assembler } from '../assembler.js';
import type { FaultType } from '../fault-handler.js';
import { savedAt } from '../signal-frame.js';

/**
 * Entered with the descriptor in rbx, the counters in r10, and rdi, rsi and rdx as the kernel gave them. First
 * everything is checked, so that a refused invocation leaves the frame as it was.
 */
export const user: FaultType = {
  name: 'user',
  emit(asm, { refuse, leave, table }) {
    asm.emit('movzx r32, r/m16', 'ecx', { base: 'rbx', displacement: descriptor.lists });
    asm.emit('and r/m32, imm8', 'ecx', -2);
    asm.emit('lea r64, m', 'r11', { base: 'rbx' });
    asm.emit('add r64, r/m64', 'r11', 'rcx'); // the lists
    emitDataCursor(asm);
    emitAllowed(asm, refuse);
    emitCallers(asm, refuse);

    asm.emit('lock add m64, imm8', { base: 'r10' }, 1);
    asm.emit('mov r64, r/m64', 'rbp', 'rdx'); // the frame
    emitRegisters(asm, table);
    asm.emit('jmp rel32', leave);
  },
};

/** r12: the data words. */
function emitDataCursor(asm: Assembler): void {
  const none = asm.label();
  asm.emit('lea r64, m', 'r12', { base: 'rbx', displacement: descriptor.data });
  asm.emit('test r/m8, imm8', { base: 'rbx', displacement: descriptor.lists }, 1);
  asm.emit('je rel32', none);
  asm.emit('add r/m64, imm8', 'r12', stackWord.length);
  asm.bind(none);
}

function emitAllowed(asm: Assembler, refuse: ReturnType<Assembler['label']>): void {
  const [next, found, done] = [asm.label(), asm.label(), asm.label()];
  asm.emit('movzx r32, r/m8', 'ecx', { base: 'rbx', displacement: descriptor.allowedBytes });
  asm.emit('test r/m32, r32', 'ecx', 'ecx');
  asm.emit('je rel32', done);
  asm.emit('mov r64, r/m64', 'r13', { base: 'r12' });
  asm.bind(next);
  asm.emit('cmp r64, r/m64', 'r13', { base: 'r11' });
  asm.emit('je rel32', found);
  asm.emit('add r/m64, imm8', 'r11', 8);
  asm.emit('add r/m32, imm8', 'ecx', -8);
  asm.emit('jne rel32', next);
  asm.emit('jmp rel32', refuse);
  asm.bind(found);
  asm.emit('add r64, r/m64', 'r11', 'rcx'); // behind the list
  asm.bind(done);
}

/** The caller is who left the return address; the program can write that, so this is a diagnostic. */
function emitCallers(asm: Assembler, refuse: ReturnType<Assembler['label']>): void {
  const [next, other, done] = [asm.label(), asm.label(), asm.label()];
  asm.emit('movzx r32, r/m8', 'ecx', { base: 'rbx', displacement: descriptor.callerBytes });
  asm.emit('test r/m32, r32', 'ecx', 'ecx');
  asm.emit('je rel32', done);
  asm.emit('mov r64, r/m64', 'r13', { base: 'rdx', displacement: savedAt('rsp') });
  asm.emit('mov r64, r/m64', 'r13', { base: 'r13' });
  asm.bind(next);
  asm.emit('cmp r64, r/m64', 'r13', { base: 'r11' });
  asm.emit('jb rel32', other);
  asm.emit('cmp r64, r/m64', 'r13', { base: 'r11', displacement: 8 });
  asm.emit('jb rel32', done);
  asm.bind(other);
  asm.emit('add r/m64, imm8', 'r11', 16);
  asm.emit('add r/m32, imm8', 'ecx', -16);
  asm.emit('jne rel32', next);
  asm.emit('jmp rel32', refuse);
  asm.bind(done);
}

/** Puts the values into the frame. `table` has, for each bit of the mask, where its register stands there. */
function emitRegisters(asm: Assembler, table: ReturnType<Assembler['label']>): void {
  const [next, done] = [asm.label(), asm.label()];
  asm.emit('mov r64, r/m64', 'rax', { base: 'r12' });
  asm.emit('mov r/m64, r64', { base: 'rbp', displacement: savedAt('rip') }, 'rax');
  asm.emit('mov r32, r/m32', 'eax', { base: 'rbx', displacement: descriptor.mask });
  asm.bind(next);
  asm.emit('add r/m64, imm8', 'r12', 8);
  asm.emit('bsf r32, r/m32', 'ecx', 'eax');
  asm.emit('je rel32', done); // nothing is left; r12 is behind the values, at the stack data
  asm.emit('lea r64, m', 'r13', { to: table });
  asm.emit('add r64, r/m64', 'r13', 'rcx');
  asm.emit('movzx r32, r/m8', 'r13d', { base: 'r13' });
  asm.emit('add r64, r/m64', 'r13', 'rbp');
  asm.emit('mov r64, r/m64', 'r14', { base: 'r12' });
  asm.emit('mov r/m64, r64', { base: 'r13' }, 'r14');
  asm.emit('lea r32, m', 'ecx', { base: 'rax', displacement: -1 });
  asm.emit('and r32, r/m32', 'eax', 'ecx'); // clears the lowest bit
  asm.emit('jmp rel32', next);
  asm.bind(done);
}

/** For each bit of a mask, counted from the first register's number: where the register is saved. */
export function savedPlaces(): Uint8Array {
  const first = x64Registers.rax;
  const places = new Uint8Array(16);
  for (const [name, number] of Object.entries(x64Registers)) {
    if (name !== 'rip') places[number - first] = savedAt(name as 'rax');
  }
  return places;
}
