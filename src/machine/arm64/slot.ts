/**
 * The code slot of a trampoline: load, push, jump; or what `handler.ts` says. One slot is assembled; the others are
 * copies in which the distances to the data slot differ by a constant, because code and data slots have different
 * lengths. So do the distances to what all slots of an image share, at its end.
 */
import { arm64Registers, registerName } from '../../trampoline/registers.js';
import { dataLayout, type Shape } from '../../trampoline/shape.js';
import type { CodeImage } from '../machine.js';
import { Assembler, instructionSize } from './assembler.js';
import { emitHandlerSlot, handlerCommon } from './handler.js';
import { encodingOf } from './instructions.js';
import type { Gpr64, Label, Target } from './operands.js';
import { registerFile } from './registers.js';
import { repeat } from './repeat.js';
import { emitStack, scratch } from './stack.js';

/** Slots begin at multiples of 16 bytes, where processors fetch best. */
const alignment = 16;

/**
 * The longest code whose slots reach their data: a literal is at most 1 MiB away (Arm ARM, section C6.2, "LDR
 * (literal)"), and a data slot is less than twice as long as its code, which has an instruction of 4 bytes for
 * each word of 8, and four more.
 */
export const longestImage = 2 ** 19;

const trap = encodingOf('brk #<imm>').fixed;

const { x16, x17 } = arm64Registers;

/** Nothing jumps but through a register, and only these two may lead to any function: Arm ARM, section D8.4.5. */
export function checkShape({ registers }: Shape, subject: string): void {
  if (!registers.includes(x16) || !registers.includes(x17)) return;
  throw new RangeError(`${subject} must not set both x16 and x17: one of them carries the PC on arm64`);
}

/** Where a slot reads its data, and what it shares with the others. */
interface Surroundings {
  readonly data: Label;
  readonly common: Label;
}

/** One slot at the start of an assembler. Returns the position of the trap behind the jump. */
function emitSlot(asm: Assembler, shape: Shape, { data, common }: Surroundings): number {
  const word = (addend: number): Target => ({ to: data, addend });
  asm.emit('bti c');
  if (shape.type === 'handler') emitHandlerSlot(asm, word, common);
  else emitUser(asm, shape, word);
  const trapAt = asm.position;
  asm.emit('brk #<imm>', 0);
  asm.padTo(Math.ceil(asm.position / alignment) * alignment);
  return trapAt;
}

function emitUser(
  asm: Assembler,
  { registers, stack, ...shape }: Shape,
  data: (byte: number) => Target,
): void {
  const carrier = registers.includes(x16) ? 'x17' : 'x16';
  if (stack !== undefined) {
    const { stackAt } = dataLayout({ registers, stack, ...shape });
    emitStack(asm, stack, (at) => asm.emit('ldr <Xt>, <label>', scratch.x, data(stackAt + at)));
  }
  registers.forEach((register, index) => {
    asm.emit('ldr <Xt>, <label>', registerName(registerFile, register) as Gpr64, data(8 * (index + 1)));
  });
  emitLoadPc(asm, carrier, data(0), registers.length === 0 && stack === undefined);
  asm.emit('br <Xn>', carrier);
}

/**
 * A slot that loads nothing but the PC may be the entry of an atomic trampoline: what the PC leads to was written
 * before it. A branch orders no loads (Arm ARM, section B2.3), so the entry's has to be one that orders those
 * behind it.
 */
function emitLoadPc(asm: Assembler, carrier: 'x16' | 'x17', from: Target, acquire: boolean): void {
  if (!acquire) {
    asm.emit('ldr <Xt>, <label>', carrier, from);
    return;
  }
  asm.emit('adr <Xd>, <label>', carrier, from);
  asm.emit('ldar <Xt>, [<Xn|SP>]', carrier, carrier);
}

export function slotLayout(shape: Shape): Pick<CodeImage, 'stride' | 'trapAt'> {
  const asm = new Assembler();
  const trapAt = emitSlot(asm, shape, { data: asm.label(0), common: asm.label(0) });
  return { stride: asm.position, trapAt };
}

export function padCode(code: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  const end = Math.ceil(code.length / instructionSize) * instructionSize;
  for (let at = end; at < length; at += instructionSize) view.setUint32(at, trap, true);
  bytes.set(code);
  return bytes;
}

export function codeImage(shape: Shape, byteLength: number): CodeImage {
  if (byteLength > longestImage) {
    throw new RangeError(`code of ${byteLength} bytes does not reach its data; at most ${longestImage} do`);
  }
  const shared = shape.type === 'handler' ? handlerCommon() : undefined;
  const commonAt = byteLength - Math.ceil((shared?.bytes.length ?? 0) / alignment) * alignment;
  const asm = new Assembler();
  const data = asm.label(byteLength);
  const trapAt = emitSlot(asm, shape, { data, common: asm.label(commonAt) });
  const stride = asm.position;
  const count = Math.floor(commonAt / stride);
  const slots = repeat(asm, count, (label) => (label === data ? dataLayout(shape).stride : 0));
  const bytes = padCode(slots, byteLength);
  if (shared === undefined) return { shape, bytes, count, stride, trapAt };
  bytes.set(shared.bytes, commonAt);
  return { shape, bytes, count, stride, trapAt, frame: { ...shared.frame, start: commonAt } };
}
