/**
 * The code of supervised objects: entries, which jump to their bodies, and bodies, which load registers, write stack
 * data and jump. An entry uses two registers, since only LEA adds without changing the flags, and both operands are in
 * registers. The body may set them again.
 */
import { registerName } from '../../../core/registers.js';
import { assertSelectorsOutside, littleEndian } from '../../object-code.js';
import { replicate } from '../../replicate.js';
import type { EntryCode, ObjectContexts, RandomU64 } from '../../supervised-code.js';
import { Assembler } from '../asm/assembler.js';
import type { Gpr64 } from '../asm/operands.js';
import { registerFile } from '../registers.js';
import { emitStackData, redZone, scratch } from '../trampolines/stack.js';
import { emitBlindedConstant } from './blinded.js';

const stride = 32;
const entryTrapOffset = 25;

/** Registers that may hold the PC until the jump, unless the body sets them. The entry has changed them already. */
const pcRegisters = ['r11', 'r10'] as const;

const length = (count: number): number => count * stride;

function code(count: number, { selectorsOffset }: { readonly selectorsOffset: number }): Uint8Array {
  assertSelectorsOutside({ selectorsOffset, length: length(count), count });
  const asm = new Assembler();
  const [rangeStart, selector] = [asm.label(0), asm.label(selectorsOffset)];
  asm.emit('endbr64');
  asm.emit('mov r64, r/m64', 'r11', { to: selector });
  asm.emit('lea r64, m', 'r10', { to: rangeStart });
  asm.emit('lea r64, m', 'r10', { base: 'r10', index: { register: 'r11', scale: 1 } });
  asm.emit('jmp r/m64', 'r10');
  if (asm.position !== entryTrapOffset) throw new Error('unexpected length of an entry');
  asm.padTo(stride);
  return replicate(asm, count, (label) => (label === selector ? 8 : 0));
}

export const entries: EntryCode = {
  firstOffset: 0,
  stride,
  length,
  trapOffset: (index) => index * stride + entryTrapOffset,
  code,
};

/** Size of the longest body: 15 registers, and 63 bytes of stack data, the last seven of which take three stores. */
export const bodySize = 832;

export function body({ pc, assignments, stack }: ObjectContexts, random: RandomU64): Uint8Array {
  const asm = new Assembler();
  const registerNames = assignments.map(({ register }) => registerName(registerFile, register) as Gpr64);
  asm.emit('endbr64');
  if (stack !== undefined) {
    emitStackData(asm, stack, ({ offset, width }) => {
      emitBlindedConstant(
        asm,
        scratch.r64,
        littleEndian(stack.data.subarray(offset, offset + width)),
        random,
      );
    });
  }
  const pcRegister = pcRegisters.find((register) => !registerNames.includes(register));
  emitBlindedConstant(asm, pcRegister ?? scratch.r64, pc, random);
  const spillDepth =
    stack === undefined || stack.setSp ? redZone : Math.max(redZone, stack.offset + stack.size);
  if (pcRegister === undefined) emitSpillPc(asm, spillDepth);
  for (const [index, { value }] of assignments.entries())
    emitBlindedConstant(asm, registerNames[index]!, value, random);
  if (pcRegister === undefined) asm.emit('ret imm16', spillDepth);
  else asm.emit('jmp r/m64', pcRegister);
  asm.emit('int3');
  return asm.finish(bodySize);
}

/**
 * If the body loads both r10 and r11, no register is left for the PC, and executable memory must not contain it. So it
 * is spilled to the stack below everything in use, and `ret imm16` consumes it: the only jump that restores rsp at the
 * same time, so that no signal handler can overwrite the PC below rsp. The return is unpaired: it mispredicts, and it
 * faults under a shadow stack.
 */
function emitSpillPc(asm: Assembler, depth: number): void {
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -(depth + 8) });
  asm.emit('mov r/m64, r64', { base: 'rsp' }, scratch.r64);
}
