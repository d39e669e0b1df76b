/** The type `user`: load registers, write stack data, jump. */
import { x64Registers } from '../../../core/registers.js';
import { faultRecord, hasStackData, stackHeader } from '../../fault-control.js';
import type { Assembler } from '../asm/assembler.js';
import type { FaultType } from './fault-type.js';
import { frameOffset } from './signal-frame.js';

/**
 * Entered with the address of the record in rbx, of the counters in r10, and rdi, rsi and rdx as on handler entry. All
 * checks precede the first change of the frame, which a refused invocation leaves unchanged.
 */
export const user: FaultType = {
  name: 'user',
  emit(asm, { reject, complete, offsetTable }) {
    asm.emit('movzx r32, r/m16', 'ecx', { base: 'rbx', displacement: faultRecord.listsOffset });
    asm.emit('and r/m32, imm8', 'ecx', ~hasStackData);
    asm.emit('lea r64, m', 'r11', { base: 'rbx' });
    asm.emit('add r64, r/m64', 'r11', 'rcx'); // the lists
    emitDataCursor(asm);
    emitCheckAllowedPc(asm, reject);
    emitCheckCaller(asm, reject);

    asm.emit('lock add m64, imm8', { base: 'r10' }, 1);
    asm.emit('mov r64, r/m64', 'rbp', 'rdx'); // the frame
    emitLoadRegisters(asm, offsetTable);
    asm.emit('jmp rel32', complete);
  },
};

/** Sets r12 to the address of the data words. */
function emitDataCursor(asm: Assembler): void {
  const noStackData = asm.label();
  asm.emit('lea r64, m', 'r12', { base: 'rbx', displacement: faultRecord.data });
  asm.emit('test r/m8, imm8', { base: 'rbx', displacement: faultRecord.listsOffset }, hasStackData);
  asm.emit('je rel32', noStackData);
  asm.emit('add r/m64, imm8', 'r12', stackHeader.length);
  asm.bind(noStackData);
}

function emitCheckAllowedPc(asm: Assembler, reject: ReturnType<Assembler['label']>): void {
  const [nextEntry, allowed, done] = [asm.label(), asm.label(), asm.label()];
  asm.emit('movzx r32, r/m8', 'ecx', { base: 'rbx', displacement: faultRecord.allowedPcBytes });
  asm.emit('test r/m32, r32', 'ecx', 'ecx');
  asm.emit('je rel32', done);
  asm.emit('mov r64, r/m64', 'r13', { base: 'r12' });
  asm.bind(nextEntry);
  asm.emit('cmp r64, r/m64', 'r13', { base: 'r11' });
  asm.emit('je rel32', allowed);
  asm.emit('add r/m64, imm8', 'r11', 8);
  asm.emit('add r/m32, imm8', 'ecx', -8);
  asm.emit('jne rel32', nextEntry);
  asm.emit('jmp rel32', reject);
  asm.bind(allowed);
  asm.emit('add r64, r/m64', 'r11', 'rcx'); // end of the list
  asm.bind(done);
}

/** Checks the return address. The program can write it, so this is a diagnostic. */
function emitCheckCaller(asm: Assembler, reject: ReturnType<Assembler['label']>): void {
  const [nextRange, outOfRange, done] = [asm.label(), asm.label(), asm.label()];
  asm.emit('movzx r32, r/m8', 'ecx', { base: 'rbx', displacement: faultRecord.allowedCallerBytes });
  asm.emit('test r/m32, r32', 'ecx', 'ecx');
  asm.emit('je rel32', done);
  asm.emit('mov r64, r/m64', 'r13', { base: 'rdx', displacement: frameOffset('rsp') });
  asm.emit('mov r64, r/m64', 'r13', { base: 'r13' });
  asm.bind(nextRange);
  asm.emit('cmp r64, r/m64', 'r13', { base: 'r11' });
  asm.emit('jb rel32', outOfRange);
  asm.emit('cmp r64, r/m64', 'r13', { base: 'r11', displacement: 8 });
  asm.emit('jb rel32', done);
  asm.bind(outOfRange);
  asm.emit('add r/m64, imm8', 'r11', 16);
  asm.emit('add r/m32, imm8', 'ecx', -16);
  asm.emit('jne rel32', nextRange);
  asm.emit('jmp rel32', reject);
  asm.bind(done);
}

/** Stores the values in the frame. Afterwards r12 is the address of the stack data. */
function emitLoadRegisters(asm: Assembler, offsetTable: ReturnType<Assembler['label']>): void {
  const [nextRegister, done] = [asm.label(), asm.label()];
  asm.emit('mov r64, r/m64', 'rax', { base: 'r12' });
  asm.emit('mov r/m64, r64', { base: 'rbp', displacement: frameOffset('rip') }, 'rax');
  asm.emit('mov r32, r/m32', 'eax', { base: 'rbx', displacement: faultRecord.registerMask });
  asm.bind(nextRegister);
  asm.emit('add r/m64, imm8', 'r12', 8);
  asm.emit('bsf r32, r/m32', 'ecx', 'eax');
  asm.emit('je rel32', done); // no bits left
  asm.emit('lea r64, m', 'r13', { to: offsetTable });
  asm.emit('add r64, r/m64', 'r13', 'rcx');
  asm.emit('movzx r32, r/m8', 'r13d', { base: 'r13' });
  asm.emit('add r64, r/m64', 'r13', 'rbp');
  asm.emit('mov r64, r/m64', 'r14', { base: 'r12' });
  asm.emit('mov r/m64, r64', { base: 'r13' }, 'r14');
  asm.emit('lea r32, m', 'ecx', { base: 'rax', displacement: -1 });
  asm.emit('and r32, r/m32', 'eax', 'ecx'); // clears the lowest bit
  asm.emit('jmp rel32', nextRegister);
  asm.bind(done);
}

/** Returns the contents of `offsetTable`: for each bit of a register mask, the offset of the register in the frame. */
export function frameOffsets(): Uint8Array {
  const maskBase = x64Registers.rax;
  const offsets = new Uint8Array(16);
  for (const [name, number] of Object.entries(x64Registers)) {
    if (name !== 'rip') offsets[number - maskBase] = frameOffset(name as 'rax');
  }
  return offsets;
}
