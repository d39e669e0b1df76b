/**
 * The code slot of a trampoline: load, push, jump. One slot is assembled; the others are copies in which the
 * distances to the data slot differ by a constant, because code and data slots have different lengths.
 */
import { registerName } from '../../trampoline/registers.js';
import { dataLayout, type Shape } from '../../trampoline/shape.js';
import type { CodeImage } from '../machine.js';
import { Assembler } from './assembler.js';
import type { Gpr64, Memory } from './operands.js';
import { registerFile } from './registers.js';
import { repeat } from './repeat.js';
import { emitStack, type Piece, scratch } from './stack.js';

/** Slots begin at multiples of 16 bytes, where processors fetch best. */
const alignment = 16;

const trap = 0xcc; // int3

/** One slot at the start of an assembler, its data at `data`. Returns the position of the trap behind the jump. */
function emitSlot(asm: Assembler, shape: Shape, data: (byte: number) => Memory): number {
  asm.emit('endbr64');
  const { stack } = shape;
  if (stack !== undefined) {
    const { stackAt } = dataLayout(shape);
    emitStack(asm, stack, ({ at, width }) => emitLoad(asm, data(stackAt + at), width));
  }
  shape.registers.forEach((register, index) => {
    asm.emit('mov r64, r/m64', registerName(registerFile, register) as Gpr64, data(8 * (index + 1)));
  });
  asm.emit('jmp r/m64', data(0));
  const trapAt = asm.position;
  asm.emit('int3');
  asm.padTo(Math.ceil(asm.position / alignment) * alignment);
  return trapAt;
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
  const data = asm.label(0);
  const trapAt = emitSlot(asm, shape, () => ({ to: data }));
  return { stride: asm.position, trapAt };
}

export function padCode(code: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(trap);
  bytes.set(code);
  return bytes;
}

export function codeImage(shape: Shape, byteLength: number): CodeImage {
  const asm = new Assembler();
  const data = asm.label(byteLength);
  const trapAt = emitSlot(asm, shape, (byte) => ({ to: data, addend: byte }));
  const stride = asm.position;
  const count = Math.floor(byteLength / stride);
  const slots = repeat(asm, count, () => dataLayout(shape).stride);
  return { shape, bytes: padCode(slots, byteLength), count, stride, trapAt };
}
