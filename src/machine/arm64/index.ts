/** arm64: the 64-bit state of the Arm architecture, AArch64. */
import { arm64Registers } from '../../trampoline/registers.js';
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
import { checkShape, codeImage, longestImage, padCode, slotLayout } from './slot.js';
import { stackPlace } from './stack.js';
import { auditArchitecture, systemCalls } from './system-calls.js';
import { table } from './table-code.js';
import { linkRegister, threadRegisters } from './thread-registers.js';

export const arm64: Machine = {
  architecture: registerFile.architecture,
  registerFile,
  elfMachine: 183, // EM_AARCH64
  farewell,
  savedRegisters: Object.freeze({ size: savedSize, offsets: savedOffset }),
  resume: () => ({ key: 'resume', bytes: resume() }),
  emptyFunction,
  systemCalls,
  auditArchitecture,
  foreignNumbers: undefined,
  signalRelay,
  cPlatform,
  callLayout,
  faultHandler: (controlAt) => faultHandler(controlAt),
  glue,
  closureRegisters: { kind: arm64Registers.x9, id: arm64Registers.x10 },
  jumpThrough,
  firstRegister: arm64Registers.x0,
  launcher,
  padCode,
  checkShape,
  longestImage,
  slotLayout,
  codeImage,
  objectCode: { entries, handlerEntries, bodySize, body, table },
  threadRegisters,
  stackPlace,
  callerOf: (registers) => registers.getBigUint64(linkRegister, true),
  disassemble,
};

/** `write(2, x1, x2)`, then on to the trap at x17. A system call changes x0 only. */
function farewell(): FarewellCode {
  const asm = new Assembler();
  asm.emit('bti c');
  asm.emit('mov <Xd>, #<imm>', 'x8', systemCalls.write);
  asm.emit('mov <Xd>, #<imm>', 'x0', 2);
  asm.emit('svc #<imm>', 0);
  asm.emit('br <Xn>', 'x17');
  asm.emit('brk #<imm>', 0);
  const { x1: text, x2: length, x17: trap } = arm64Registers;
  return { key: 'farewell', bytes: asm.finish(), registers: { text, length, trap } };
}

function emptyFunction(): Uint8Array {
  const asm = new Assembler();
  asm.emit('bti c');
  asm.emit('ret');
  return asm.finish();
}

function jumpThrough(distance: number): Uint8Array {
  const asm = new Assembler();
  asm.emit('bti c');
  asm.emit('ldr <Xt>, <label>', 'x16', asm.label(distance));
  asm.emit('br <Xn>', 'x16');
  asm.emit('brk #<imm>', 0);
  return asm.finish();
}
