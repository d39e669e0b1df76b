/** arm64: the 64-bit state of the Arm architecture, AArch64. */
import { arm64Registers } from '../../core/registers.js';
import type { Machine } from '../machine.js';
import type { FreedCallStubCode } from '../trampoline-code.js';
import { Assembler } from './asm/assembler.js';
import { disassemble } from './asm/disassembler.js';
import { callLayout, cPlatform } from './calling-convention.js';
import { faultHandler } from './faults/fault-handler.js';
import { siginfoToFdHandler } from './linux/siginfo-to-fd.js';
import { auditArch, systemCalls } from './linux/system-calls.js';
import { linkRegisterOffset, userRegs } from './linux/user-regs.js';
import { registerFile } from './registers.js';
import { handlerEntries } from './supervised/handler-entries.js';
import { body, bodySize, entries } from './supervised/object-code.js';
import { tableCode } from './supervised/table-entries.js';
import { restoreContext } from './trampolines/save-restore-stub.js';
import { savedOffsets, savedSize } from './trampolines/saved-registers.js';
import { assertShape, codeImage, maxImageBytes, padWithTraps, slotLayout } from './trampolines/slot.js';
import { stackDataTarget } from './trampolines/stack.js';

export const arm64: Machine = {
  architecture: registerFile.architecture,
  registerFile,
  trampolines: {
    slotLayout,
    codeImage,
    maxImageBytes,
    assertShape,
    padWithTraps,
    freedCallStub,
    savedRegisters: Object.freeze({ size: savedSize, offsets: savedOffsets }),
    restoreContext: () => ({ key: 'resume', bytes: restoreContext() }),
    faultHandler: (controlOffset) => faultHandler(controlOffset),
    maskBase: arm64Registers.x0,
    stackDataTarget,
  },
  ffi: {
    cPlatform,
    callLayout,
    generalArguments: 8,
    callbackRegisters: { callbackInterface: arm64Registers.x9, id: arm64Registers.x10 },
  },
  // Rarely used: getters, so that the bundle loads the code at the first use.
  get supervised() {
    return { entries, handlerEntries, bodySize, body, tableCode };
  },
  linux: {
    systemCalls,
    auditArch,
    x32Bit: undefined,
    elfMachine: 183, // EM_AARCH64
    userRegs,
    returnAddressOf: (registers) => registers.getBigUint64(linkRegisterOffset, true),
    get siginfoToFdHandler() {
      return siginfoToFdHandler;
    },
  },
  get disassemble() {
    return disassemble;
  },
};

/** Calls `write(2, x1, x2)` and jumps to the trap at x17. A system call changes x0 only. */
function freedCallStub(): FreedCallStubCode {
  const asm = new Assembler();
  asm.emit('bti c');
  asm.emit('mov <Xd>, #<imm>', 'x8', systemCalls.write);
  asm.emit('mov <Xd>, #<imm>', 'x0', 2);
  asm.emit('svc #<imm>', 0);
  asm.emit('br <Xn>', 'x17');
  asm.emit('brk #<imm>', 0);
  const { x1: message, x2: length, x17: trap } = arm64Registers;
  const key = 'farewell'; // in template files
  return { key, bytes: asm.finish(), registers: { message, length, trap } };
}
