import { x64Registers } from '../../core/registers.js';
import type { Machine } from '../machine.js';
import type { FreedCallStubCode } from '../trampoline-code.js';
import { Assembler } from './asm/assembler.js';
import { disassemble } from './asm/disassembler.js';
import { callLayout, cPlatform } from './calling-convention.js';
import { faultHandler } from './faults/fault-handler.js';
import { siginfoToFdHandler } from './linux/siginfo-to-fd.js';
import { auditArch, systemCalls, x32Bit } from './linux/system-calls.js';
import { userRegs } from './linux/user-regs.js';
import { registerFile } from './registers.js';
import { handlerEntries } from './supervised/handler-entries.js';
import { body, bodySize, entries } from './supervised/object-code.js';
import { tableCode } from './supervised/table-entries.js';
import { restoreContext } from './trampolines/save-restore-stub.js';
import { savedOffsets, savedSize } from './trampolines/saved-registers.js';
import { codeImage, padWithTraps, slotLayout } from './trampolines/slot.js';
import { stackDataTarget } from './trampolines/stack.js';

export const x64: Machine = {
  architecture: registerFile.architecture,
  registerFile,
  trampolines: {
    slotLayout,
    codeImage,
    maxImageBytes: 2 ** 20, // a displacement reaches 2 GiB, but longer code is harder to place
    assertShape() {}, // a jump through memory needs no register, so every set of registers is possible
    padWithTraps,
    freedCallStub,
    savedRegisters: Object.freeze({ size: savedSize, offsets: savedOffsets }),
    restoreContext: () => ({ key: 'resume', bytes: restoreContext() }),
    faultHandler: (controlOffset) => faultHandler(controlOffset),
    maskBase: x64Registers.rax,
    stackDataTarget,
  },
  ffi: {
    cPlatform,
    callLayout,
    generalArguments: 6,
    callbackRegisters: { callbackInterface: x64Registers.r10, id: x64Registers.r11 },
  },
  // Rarely used: getters, so that the bundle loads the code at the first use.
  get supervised() {
    return { entries, handlerEntries, bodySize, body, tableCode };
  },
  linux: {
    systemCalls,
    auditArch,
    x32Bit,
    elfMachine: 62, // EM_X86_64
    userRegs,
    returnAddressOf: (registers, readWord) => readWord(registers.getBigUint64(userRegs.sp, true)),
    get siginfoToFdHandler() {
      return siginfoToFdHandler;
    },
  },
  get disassemble() {
    return disassemble;
  },
};

/**
 * Calls `write(2, r8, r9)` and jumps to the trap at r10. A system call changes rax, rcx and r11: psABI, section A.2.1.
 */
function freedCallStub(): FreedCallStubCode {
  const asm = new Assembler();
  asm.emit('endbr64');
  asm.emit('mov r/m32, imm32', 'eax', systemCalls.write);
  asm.emit('mov r/m32, imm32', 'edi', 2);
  asm.emit('mov r64, r/m64', 'rsi', 'r8');
  asm.emit('mov r64, r/m64', 'rdx', 'r9');
  asm.emit('syscall');
  asm.emit('jmp r/m64', 'r10');
  asm.emit('int3');
  const { r8: message, r9: length, r10: trap } = x64Registers;
  const key = 'farewell'; // in template files
  return { key, bytes: asm.finish(), registers: { message, length, trap } };
}
