/** x86-64. */
import { x64Registers } from '../../trampoline/registers.js';
import type { FarewellCode, Machine } from '../machine.js';
import { Assembler } from './assembler.js';
import { callLayout, cPlatform } from './classify.js';
import { disassemble } from './disassembler.js';
import { faultHandler } from './fault-handler.js';
import { glue } from './glue/index.js';
import { resume } from './handler.js';
import { launcher } from './launcher.js';
import { body, bodySize, entries } from './object-code.js';
import { handlerEntries } from './object-handlers.js';
import { registerFile } from './registers.js';
import { savedOffset, savedSize } from './saved-registers.js';
import { signalRelay } from './signal-relay.js';
import { codeImage, padCode, slotLayout } from './slot.js';
import { stackPlace } from './stack.js';
import { auditArchitecture, foreignNumbers, systemCalls } from './system-calls.js';
import { table } from './table-code.js';
import { threadRegisters } from './thread-registers.js';

export const x64: Machine = {
  architecture: registerFile.architecture,
  registerFile,
  elfMachine: 62, // EM_X86_64
  farewell,
  savedRegisters: Object.freeze({ size: savedSize, offsets: savedOffset }),
  resume: () => ({ key: 'resume', bytes: resume() }),
  emptyFunction,
  systemCalls,
  auditArchitecture,
  foreignNumbers,
  signalRelay,
  cPlatform,
  callLayout,
  faultHandler: (controlAt) => faultHandler(controlAt),
  glue,
  closureRegisters: { kind: x64Registers.r10, id: x64Registers.r11 },
  jumpThrough,
  firstRegister: x64Registers.rax,
  launcher,
  padCode,
  checkShape() {}, // a jump through memory needs no register, so every set of registers is possible
  longestImage: 2 ** 20, // a displacement reaches 2 GiB; more code than this would only be harder to place
  slotLayout,
  codeImage,
  objectCode: { entries, handlerEntries, bodySize, body, table },
  threadRegisters,
  stackPlace,
  callerOf: (registers, wordAt) => wordAt(registers.getBigUint64(threadRegisters.sp, true)),
  disassemble,
};

/** `write(2, r8, r9)`, then on to the trap at r10. A system call changes rax, rcx and r11: psABI, section A.2.1. */
function farewell(): FarewellCode {
  const asm = new Assembler();
  asm.emit('endbr64');
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.write);
  asm.emit('mov r/m32, imm32', 'edi', 2);
  asm.emit('mov r64, r/m64', 'rsi', 'r8');
  asm.emit('mov r64, r/m64', 'rdx', 'r9');
  asm.emit('syscall');
  asm.emit('jmp r/m64', 'r10');
  asm.emit('int3');
  const { r8: text, r9: length, r10: trap } = x64Registers;
  return { key: 'farewell', bytes: asm.finish(), registers: { text, length, trap } };
}

function emptyFunction(): Uint8Array {
  const asm = new Assembler();
  asm.emit('endbr64');
  asm.emit('ret');
  return asm.finish();
}

function jumpThrough(distance: number): Uint8Array {
  const asm = new Assembler();
  asm.emit('endbr64');
  asm.emit('jmp r/m64', { to: asm.label(distance) });
  asm.emit('int3');
  return asm.finish();
}
