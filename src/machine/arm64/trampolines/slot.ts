/**
 * The code slot of a trampoline: load, push, jump; or what `handler.ts` says. One slot is assembled; the others are
 * copies in which the distances to the data slot differ by a constant, because code and data slots have different
 * lengths. So do the distances to what all slots of an image share, at its end.
 */
import { arm64Registers, registerName } from '../../../core/registers.js';
import { dataLayout, type Shape } from '../../../core/shape.js';
import type { CodeImage } from '../../machine.js';
import { replicate } from '../../replicate.js';
import { Assembler, instructionSize } from '../asm/assembler.js';
import { encodingOf } from '../asm/instructions.js';
import type { Gpr64, Label, LabelRef } from '../asm/operands.js';
import { registerFile } from '../registers.js';
import { emitHandlerSlot, handlerCommon } from './save-restore-stub.js';
import { emitStackData, scratch } from './stack.js';

/** Slots begin at multiples of 16 bytes, where processors fetch best. */
const alignment = 16;

/**
 * The longest code whose slots reach their data: a literal is at most 1 MiB away (Arm ARM, section C6.2, "LDR
 * (literal)"), and a data slot is less than twice as long as its code, which has an instruction of 4 bytes for
 * each word of 8, and four more.
 */
export const maxImageBytes = 2 ** 19;

const trapOpcode = encodingOf('brk #<imm>').fixed;

const { x16, x17 } = arm64Registers;

/** Nothing jumps but through a register, and only these two may lead to any function: Arm ARM, section D8.4.5. */
export function assertShape({ registers }: Shape, subject: string): void {
  if (!registers.includes(x16) || !registers.includes(x17)) return;
  throw new RangeError(`${subject} must not set both x16 and x17: one of them carries the PC on arm64`);
}

/** Where a slot reads its data, and what it shares with the others. */
interface SlotLabels {
  readonly data: Label;
  readonly common: Label;
}

/** One slot at the start of an assembler. Returns the position of the trap behind the jump. */
function emitSlot(asm: Assembler, shape: Shape, { data, common }: SlotLabels): number {
  const dataWord = (addend: number): LabelRef => ({ to: data, addend });
  asm.emit('bti c');
  if (shape.type === 'handler') emitHandlerSlot(asm, dataWord, common);
  else emitLoadAndJump(asm, shape, dataWord);
  const trapOffset = asm.position;
  asm.emit('brk #<imm>', 0);
  asm.padTo(Math.ceil(asm.position / alignment) * alignment);
  return trapOffset;
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
 * A slot that loads nothing but the PC may be the entry of an atomic trampoline: what the PC leads to was written
 * before it. A branch orders no loads (Arm ARM, section B2.3), so the entry's has to be one that orders those
 * behind it.
 */
function emitLoadPc(asm: Assembler, pcRegister: 'x16' | 'x17', pcWord: LabelRef, acquire: boolean): void {
  if (!acquire) {
    asm.emit('ldr <Xt>, <label>', pcRegister, pcWord);
    return;
  }
  asm.emit('adr <Xd>, <label>', pcRegister, pcWord);
  asm.emit('ldar <Xt>, [<Xn|SP>]', pcRegister, pcRegister);
}

export function slotLayout(shape: Shape): Pick<CodeImage, 'stride' | 'trapOffset'> {
  const asm = new Assembler();
  const trapOffset = emitSlot(asm, shape, { data: asm.label(0), common: asm.label(0) });
  return { stride: asm.position, trapOffset };
}

export function padWithTraps(code: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  const end = Math.ceil(code.length / instructionSize) * instructionSize;
  for (let offset = end; offset < length; offset += instructionSize) view.setUint32(offset, trapOpcode, true);
  bytes.set(code);
  return bytes;
}

export function codeImage(shape: Shape, byteLength: number): CodeImage {
  if (byteLength > maxImageBytes) {
    throw new RangeError(`code of ${byteLength} bytes does not reach its data; at most ${maxImageBytes} do`);
  }
  const commonPart = shape.type === 'handler' ? handlerCommon() : undefined;
  const commonOffset = byteLength - Math.ceil((commonPart?.bytes.length ?? 0) / alignment) * alignment;
  const asm = new Assembler();
  const data = asm.label(byteLength);
  const trapOffset = emitSlot(asm, shape, { data, common: asm.label(commonOffset) });
  const stride = asm.position;
  const count = Math.floor(commonOffset / stride);
  const slots = replicate(asm, count, (label) => (label === data ? dataLayout(shape).stride : 0));
  const bytes = padWithTraps(slots, byteLength);
  if (commonPart === undefined) return { shape, bytes, count, stride, trapOffset };
  bytes.set(commonPart.bytes, commonOffset);
  return { shape, bytes, count, stride, trapOffset, frame: { ...commonPart.frame, start: commonOffset } };
}
