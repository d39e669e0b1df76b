/** Code slots: they load registers, write stack data and jump, or save all registers (save-restore-stub.ts). */
import { registerName } from '../../../core/registers.js';
import { dataLayout, type Shape } from '../../../core/shape.js';
import { type SlotLabels, slotCode } from '../../slots.js';
import { Assembler } from '../asm/assembler.js';
import type { Gpr64, Memory } from '../asm/operands.js';
import { registerFile } from '../registers.js';
import { emitHandlerSlot, handlerCommon } from './save-restore-stub.js';
import { emitStackData, type StackChunk, scratch } from './stack.js';

const trapOpcode = 0xcc; // int3

function emitSlot(asm: Assembler, shape: Shape, { data, common }: SlotLabels): void {
  const dataWord = (byte: number): Memory => ({ to: data, addend: byte });
  asm.emit('endbr64');
  if (shape.type === 'handler') emitHandlerSlot(asm, dataWord, common);
  else emitLoadAndJump(asm, shape, dataWord);
}

function emitLoadAndJump(asm: Assembler, shape: Shape, dataWord: (byte: number) => Memory): void {
  const { stack } = shape;
  if (stack !== undefined) {
    const { stackDataOffset } = dataLayout(shape);
    emitStackData(asm, stack, ({ offset, width }) =>
      emitLoad(asm, dataWord(stackDataOffset + offset), width),
    );
  }
  shape.registers.forEach((register, index) => {
    asm.emit('mov r64, r/m64', registerName(registerFile, register) as Gpr64, dataWord(8 * (index + 1)));
  });
  asm.emit('jmp r/m64', dataWord(0));
}

/** Loads a chunk of stack data into the scratch register. */
function emitLoad(asm: Assembler, from: Memory, width: StackChunk['width']): void {
  if (width === 8) asm.emit('mov r64, r/m64', scratch.r64, from);
  else if (width === 4) asm.emit('mov r32, r/m32', scratch.r32, from);
  else if (width === 2) asm.emit('mov r16, r/m16', scratch.r16, from);
  else asm.emit('mov r8, r/m8', scratch.r8, from);
}

export function padWithTraps(code: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(trapOpcode);
  bytes.set(code);
  return bytes;
}

/** No `maxBytes`: a displacement reaches 2 GiB. */
export const { slotLayout, codeImage } = slotCode({
  createAssembler: () => new Assembler(),
  emitSlot,
  handlerCommon: () => handlerCommon(),
  padWithTraps,
});
