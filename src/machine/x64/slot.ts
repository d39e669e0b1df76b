/**
 * The code slot of a trampoline: load, push, jump; or what `handler.ts` says. One slot is assembled; the others are
 * copies in which the distances to the data slot differ by a constant, because code and data slots have different
 * lengths. So do the distances to what all slots of an image share, at its end.
 */
import { registerName } from '../../trampoline/registers.js';
import { dataLayout, type Shape } from '../../trampoline/shape.js';
import type { CodeImage } from '../machine.js';
import { Assembler } from './assembler.js';
import { emitHandlerSlot, handlerCommon } from './handler.js';
import type { Gpr64, Label, Memory } from './operands.js';
import { registerFile } from './registers.js';
import { repeat } from './repeat.js';
import { emitStack, type Piece, scratch } from './stack.js';

/** Slots begin at multiples of 16 bytes, where processors fetch best. */
const alignment = 16;

const trap = 0xcc; // int3

/** Where a slot reads its data, and what it shares with the others. */
interface Surroundings {
  readonly data: Label;
  readonly common: Label;
}

/** One slot at the start of an assembler. Returns the position of the trap behind the jump. */
function emitSlot(asm: Assembler, shape: Shape, { data, common }: Surroundings): number {
  const word = (byte: number): Memory => ({ to: data, addend: byte });
  asm.emit('endbr64');
  if (shape.type === 'handler') emitHandlerSlot(asm, word, common);
  else emitUser(asm, shape, word);
  const trapAt = asm.position;
  asm.emit('int3');
  asm.padTo(Math.ceil(asm.position / alignment) * alignment);
  return trapAt;
}

function emitUser(asm: Assembler, shape: Shape, data: (byte: number) => Memory): void {
  const { stack } = shape;
  if (stack !== undefined) {
    const { stackAt } = dataLayout(shape);
    emitStack(asm, stack, ({ at, width }) => emitLoad(asm, data(stackAt + at), width));
  }
  shape.registers.forEach((register, index) => {
    asm.emit('mov r64, r/m64', registerName(registerFile, register) as Gpr64, data(8 * (index + 1)));
  });
  asm.emit('jmp r/m64', data(0));
}

/** A piece of stack data, from memory. */
function emitLoad(asm: Assembler, from: Memory, width: Piece['width']): void {
  if (width === 8) asm.emit('mov r64, r/m64', scratch.r64, from);
  else if (width === 4) asm.emit('mov r32, r/m32', scratch.r32, from);
  else if (width === 2) asm.emit('mov r16, r/m16', scratch.r16, from);
  else asm.emit('mov r8, r/m8', scratch.r8, from);
}

export function slotLayout(shape: Shape): Pick<CodeImage, 'stride' | 'trapAt'> {
  const asm = new Assembler();
  const trapAt = emitSlot(asm, shape, { data: asm.label(0), common: asm.label(0) });
  return { stride: asm.position, trapAt };
}

export function padCode(code: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(trap);
  bytes.set(code);
  return bytes;
}

export function codeImage(shape: Shape, byteLength: number): CodeImage {
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
