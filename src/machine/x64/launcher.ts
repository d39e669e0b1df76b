/**
 * The launcher's code: reads a list of system calls and makes them. What the list looks like stands with
 * those who write it, in `linux/launch.ts`. It uses no stack, calls nothing and returns nowhere.
 */
import type { LauncherLayout } from '../machine.js';
import { Assembler } from './assembler.js';
import type { Gpr64 } from './operands.js';
import { systemCalls } from './system-calls.js';

/** Arguments of a system call: psABI, section A.2.1. */
const argumentRegisters: readonly Gpr64[] = ['rdi', 'rsi', 'rdx', 'r10', 'r8', 'r9'];

/** A result from here on, unsigned, is a negative error number. */
const leastError = -4095;

/** Registers that system calls leave alone. */
const list = 'r12';
const cursor = 'r13';
const calls = 'r14';
const index = 'r15';
const pointers = 'rbx';

export function launcher(layout: LauncherLayout): Uint8Array {
  const asm = new Assembler();
  const buffer = asm.label(layout.buffer);
  const bufferEnd = asm.label(layout.buffer + layout.bufferLength);
  const [read, listed, relocate, relocated] = [asm.label(), asm.label(), asm.label(), asm.label()];
  const [call, fail, exit] = [asm.label(), asm.label(), asm.label()];

  asm.emit('lea r64, m', list, { to: buffer });
  asm.emit('mov r64, r/m64', cursor, list);
  asm.bind(read);
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.read);
  asm.emit('mov r/m32, imm32', 'edi', layout.listDescriptor);
  asm.emit('mov r64, r/m64', 'rsi', cursor);
  asm.emit('lea r64, m', 'rdx', { to: bufferEnd });
  asm.emit('sub r64, r/m64', 'rdx', cursor);
  asm.emit('syscall');
  asm.emit('test r/m64, r64', 'rax', 'rax');
  asm.emit('js rel32', exit);
  asm.emit('je rel32', listed);
  asm.emit('add r64, r/m64', cursor, 'rax');
  asm.emit('jmp rel32', read);

  asm.bind(listed);
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.close);
  asm.emit('mov r/m32, imm32', 'edi', layout.listDescriptor);
  asm.emit('syscall');
  asm.emit('mov r64, r/m64', pointers, { base: list });
  asm.emit('mov r64, r/m64', calls, { base: list, displacement: 8 });
  asm.emit('lea r64, m', cursor, { base: list, displacement: 24 });

  asm.bind(relocate);
  asm.emit('test r/m64, r64', pointers, pointers);
  asm.emit('je rel32', relocated);
  asm.emit('mov r64, r/m64', 'rax', { base: cursor });
  asm.emit('add r64, r/m64', 'rax', list);
  asm.emit('add r/m64, r64', { base: 'rax' }, list);
  asm.emit('add r/m64, imm8', cursor, 8);
  asm.emit('add r/m64, imm8', pointers, -1);
  asm.emit('jmp rel32', relocate);

  asm.bind(relocated);
  asm.emit('mov r/m32, imm32', 'r15d', 0);
  asm.bind(call);
  asm.emit('cmp r64, r/m64', index, calls);
  asm.emit('je rel32', exit);
  asm.emit('mov r64, r/m64', 'rax', { base: cursor });
  for (const [place, register] of argumentRegisters.entries()) {
    asm.emit('mov r64, r/m64', register, { base: cursor, displacement: 8 * (1 + place) });
  }
  asm.emit('syscall');
  asm.emit('cmp r/m64, imm32', 'rax', leastError);
  asm.emit('jae rel32', fail);
  asm.emit('add r/m64, imm8', cursor, 8 * (1 + argumentRegisters.length));
  asm.emit('add r/m64, imm8', index, 1);
  asm.emit('jmp rel32', call);

  asm.bind(fail);
  asm.emit('neg r/m64', 'rax');
  asm.emit('mov r/m64, r64', { base: list }, index);
  asm.emit('mov r/m64, r64', { base: list, displacement: 8 }, 'rax');
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.write);
  asm.emit('mov r32, r/m32', 'edi', { base: list, displacement: 16 });
  asm.emit('mov r64, r/m64', 'rsi', list);
  asm.emit('mov r/m32, imm32', 'edx', 16);
  asm.emit('syscall');

  asm.bind(exit);
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.exit_group);
  asm.emit('mov r/m32, imm32', 'edi', layout.failed);
  asm.emit('syscall');
  asm.emit('int3');
  return asm.finish();
}
