/** Code slots: they load registers, write stack data and jump, or save all registers (save-restore-stub.ts). */
import { alignUp } from '../../../core/bits.js';
import { arm64Registers, registerName } from '../../../core/registers.js';
import { dataLayout, type Shape } from '../../../core/shape.js';
import { type SlotLabels, slotCode } from '../../slots.js';
import { Assembler, instructionSize } from '../asm/assembler.js';
import { encodingOf } from '../asm/instructions.js';
import type { Gpr64, LabelRef } from '../asm/operands.js';
import { registerFile } from '../registers.js';
import { emitHandlerSlot, handlerCommon } from './save-restore-stub.js';
import { emitStackData, scratch } from './stack.js';

/**
 * Max bytes of code whose slots reach their data. A literal is at most 1 MiB away (Arm ARM, section C6.2, "LDR
 * (literal)"), and a data slot is shorter than two code slots, which have an instruction of 4 bytes for each word of 8,
 * and four more.
 */
export const maxImageBytes = 2 ** 19;

const trapOpcode = encodingOf('brk #<imm>').fixed;

const { x16, x17 } = arm64Registers;

/** A jump needs a register, and only x16 and x17 may branch to any function: Arm ARM, section D8.4.5. */
export function assertShape({ registers }: Shape, subject: string): void {
  if (!registers.includes(x16) || !registers.includes(x17)) return;
  throw new RangeError(`${subject} must not set both x16 and x17: one of them carries the PC on arm64`);
}

function emitSlot(asm: Assembler, shape: Shape, { data, common }: SlotLabels): void {
  const dataWord = (addend: number): LabelRef => ({ to: data, addend });
  asm.emit('bti c');
  if (shape.type === 'handler') emitHandlerSlot(asm, dataWord, common);
  else emitLoadAndJump(asm, shape, dataWord);
}

function emitLoadAndJump(
  asm: Assembler,
  { registers, stack, ...shape }: Shape,
  dataWord: (byte: number) => LabelRef,
): void {
  const pcRegister = registers.includes(x16) ? 'x17' : 'x16';
  if (stack !== undefined) {
    const { stackDataOffset } = dataLayout({ registers, stack, ...shape });
    emitStackData(asm, stack, (offset) =>
      asm.emit('ldr <Xt>, <label>', scratch.x, dataWord(stackDataOffset + offset)),
    );
  }
  registers.forEach((register, index) => {
    asm.emit('ldr <Xt>, <label>', registerName(registerFile, register) as Gpr64, dataWord(8 * (index + 1)));
  });
  emitLoadPc(asm, pcRegister, dataWord(0), registers.length === 0 && stack === undefined);
  asm.emit('br <Xn>', pcRegister);
}

/**
 * Loads the PC. A slot that loads only the PC may be the entry of an atomic trampoline, whose body was written before
 * the PC. A branch does not order loads (Arm ARM, section B2.3), so such an entry uses a load-acquire.
 */
function emitLoadPc(asm: Assembler, pcRegister: 'x16' | 'x17', pcWord: LabelRef, acquire: boolean): void {
  if (!acquire) {
    asm.emit('ldr <Xt>, <label>', pcRegister, pcWord);
    return;
  }
  asm.emit('adr <Xd>, <label>', pcRegister, pcWord);
  asm.emit('ldar <Xt>, [<Xn|SP>]', pcRegister, pcRegister);
}

export function padWithTraps(code: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  const end = alignUp(code.length, instructionSize);
  for (let offset = end; offset < length; offset += instructionSize) view.setUint32(offset, trapOpcode, true);
  bytes.set(code);
  return bytes;
}

export const { slotLayout, codeImage } = slotCode({
  createAssembler: () => new Assembler(),
  emitSlot,
  handlerCommon: () => handlerCommon(),
  padWithTraps,
  maxBytes: maxImageBytes,
});
