/**
 * Code of the launcher: reads a script of system calls and executes them. The format of the script is documented in
 * `launcher/launcher.ts`. It uses no stack, calls no functions and does not return.
 */
import type { LauncherLayout } from '../../build/build-code.js';
import { Assembler } from '../asm/assembler.js';
import type { Gpr64 } from '../asm/operands.js';
import { systemCalls } from '../linux/system-calls.js';

/** Registers of system call arguments: psABI, section A.2.1. */
const argumentRegisters: readonly Gpr64[] = ['rdi', 'rsi', 'rdx', 'r10', 'r8', 'r9'];

/** A result of at least this, unsigned, is a negative errno. */
const minErrorResult = -4095;

// Registers that system calls preserve.
const script = 'r12';
const cursor = 'r13';
const syscallCount = 'r14';
const index = 'r15';
const relocationCount = 'rbx';

export function launcher(layout: LauncherLayout): Uint8Array {
  const asm = new Assembler();
  const buffer = asm.label(layout.bufferOffset);
  const bufferEnd = asm.label(layout.bufferOffset + layout.bufferLength);
  const [readLoop, scriptRead, relocate, relocated] = [asm.label(), asm.label(), asm.label(), asm.label()];
  const [nextSyscall, fail, exit] = [asm.label(), asm.label(), asm.label()];

  asm.emit('lea r64, m', script, { to: buffer });
  asm.emit('mov r64, r/m64', cursor, script);
  asm.bind(readLoop);
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.read);
  asm.emit('mov r/m32, imm32', 'edi', layout.scriptFd);
  asm.emit('mov r64, r/m64', 'rsi', cursor);
  asm.emit('lea r64, m', 'rdx', { to: bufferEnd });
  asm.emit('sub r64, r/m64', 'rdx', cursor);
  asm.emit('syscall');
  asm.emit('test r/m64, r64', 'rax', 'rax');
  asm.emit('js rel32', exit);
  asm.emit('je rel32', scriptRead);
  asm.emit('add r64, r/m64', cursor, 'rax');
  asm.emit('jmp rel32', readLoop);

  asm.bind(scriptRead);
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.close);
  asm.emit('mov r/m32, imm32', 'edi', layout.scriptFd);
  asm.emit('syscall');
  asm.emit('mov r64, r/m64', relocationCount, { base: script });
  asm.emit('mov r64, r/m64', syscallCount, { base: script, displacement: 8 });
  asm.emit('lea r64, m', cursor, { base: script, displacement: 24 });

  asm.bind(relocate);
  asm.emit('test r/m64, r64', relocationCount, relocationCount);
  asm.emit('je rel32', relocated);
  asm.emit('mov r64, r/m64', 'rax', { base: cursor });
  asm.emit('add r64, r/m64', 'rax', script);
  asm.emit('add r/m64, r64', { base: 'rax' }, script);
  asm.emit('add r/m64, imm8', cursor, 8);
  asm.emit('add r/m64, imm8', relocationCount, -1);
  asm.emit('jmp rel32', relocate);

  asm.bind(relocated);
  asm.emit('mov r/m32, imm32', 'r15d', 0);
  asm.bind(nextSyscall);
  asm.emit('cmp r64, r/m64', index, syscallCount);
  asm.emit('je rel32', exit);
  asm.emit('mov r64, r/m64', 'rax', { base: cursor });
  for (const [argumentIndex, register] of argumentRegisters.entries()) {
    asm.emit('mov r64, r/m64', register, { base: cursor, displacement: 8 * (1 + argumentIndex) });
  }
  asm.emit('syscall');
  asm.emit('cmp r/m64, imm32', 'rax', minErrorResult);
  asm.emit('jae rel32', fail);
  asm.emit('add r/m64, imm8', cursor, 8 * (1 + argumentRegisters.length));
  asm.emit('add r/m64, imm8', index, 1);
  asm.emit('jmp rel32', nextSyscall);

  asm.bind(fail);
  asm.emit('neg r/m64', 'rax');
  asm.emit('mov r/m64, r64', { base: script }, index);
  asm.emit('mov r/m64, r64', { base: script, displacement: 8 }, 'rax');
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.write);
  asm.emit('mov r32, r/m32', 'edi', { base: script, displacement: 16 });
  asm.emit('mov r64, r/m64', 'rsi', script);
  asm.emit('mov r/m32, imm32', 'edx', 16);
  asm.emit('syscall');

  asm.bind(exit);
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.exit_group);
  asm.emit('mov r/m32, imm32', 'edi', layout.exitFailure);
  asm.emit('syscall');
  asm.emit('int3');
  return asm.finish();
}
