/**
 * The code slot of a trampoline: load, push, jump. One slot is assembled; the others are copies in which the
 * distances to the data slot differ by a constant, because code and data slots have different lengths.
 */
import { registerName } from '../../trampoline/registers.js';
import { dataLayout, type Shape } from '../../trampoline/shape.js';
import type { CodeImage } from '../machine.js';
import { Assembler } from './assembler.js';
import type { Gpr8, Gpr16, Gpr32, Gpr64, Memory } from './operands.js';
import { registerFile } from './registers.js';

/** r11 may be changed between a call and the first instruction of the function: psABI, figure 3.4. */
const scratch: { r64: Gpr64; r32: Gpr32; r16: Gpr16; r8: Gpr8 } = {
  r64: 'r11',
  r32: 'r11d',
  r16: 'r11w',
  r8: 'r11b',
};

/** Slots begin at multiples of 16 bytes, where processors fetch best. */
const alignment = 16;

const trap = 0xcc; // int3

/** One slot at the start of an assembler, its data at `data`. Returns the position of the trap behind the jump. */
function emitSlot(asm: Assembler, shape: Shape, data: (byte: number) => Memory): number {
  asm.emit('endbr64');
  emitStack(asm, shape, data);
  shape.registers.forEach((register, index) => {
    asm.emit('mov r64, r/m64', registerName(registerFile, register) as Gpr64, data(8 * (index + 1)));
  });
  asm.emit('jmp r/m64', data(0));
  const trapAt = asm.position;
  asm.emit('int3');
  asm.padTo(Math.ceil(asm.position / alignment) * alignment);
  return trapAt;
}

function emitStack(asm: Assembler, shape: Shape, data: (byte: number) => Memory): void {
  const { stack } = shape;
  if (stack === undefined) return;
  const { stackAt } = dataLayout(shape);
  const below = -(stack.offset + stack.size);
  let start = below;
  if (stack.setSp) {
    // Only AND can round down, and it changes the flags, which are the caller's: LAHF and SETO keep them
    // in rax, rax waits in the scratch register, and ADD and SAHF bring them back. The stack pointer goes
    // down first, so that a signal never finds data below it.
    asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: below });
    asm.emit('mov r64, r/m64', scratch.r64, 'rax');
    asm.emit('seto r/m8', 'al');
    asm.emit('lahf');
    asm.emit('and r/m64, imm8', 'rsp', -16);
    asm.emit('add r/m8, imm8', 'al', 0x7f);
    asm.emit('sahf');
    asm.emit('mov r64, r/m64', 'rax', scratch.r64);
    asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -8 });
    start = 0;
  }
  for (let at = 0; at < stack.size; ) {
    const left = stack.size - at;
    const from = data(stackAt + at);
    const to: Memory = { base: 'rsp', displacement: start + at };
    if (left >= 8) {
      asm.emit('mov r64, r/m64', scratch.r64, from);
      asm.emit('mov r/m64, r64', to, scratch.r64);
      at += 8;
    } else if (left >= 4) {
      asm.emit('mov r32, r/m32', scratch.r32, from);
      asm.emit('mov r/m32, r32', to, scratch.r32);
      at += 4;
    } else if (left >= 2) {
      asm.emit('mov r16, r/m16', scratch.r16, from);
      asm.emit('mov r/m16, r16', to, scratch.r16);
      at += 2;
    } else {
      asm.emit('mov r8, r/m8', scratch.r8, from);
      asm.emit('mov r/m8, r8', to, scratch.r8);
      at += 1;
    }
  }
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
  const slot = asm.finish();
  const stride = slot.length;
  const count = Math.floor(byteLength / stride);

  const bytes = new Uint8Array(byteLength);
  for (let index = 0; index < count; index++) bytes.set(slot, index * stride);
  bytes.fill(trap, count * stride);

  const drift = dataLayout(shape).stride - stride;
  const view = new DataView(bytes.buffer);
  for (const { at } of asm.fixups) {
    const first = view.getInt32(at, true);
    for (let index = 1; index < count; index++)
      view.setInt32(at + index * stride, first + index * drift, true);
  }
  return { shape, bytes, count, stride, trapAt };
}
