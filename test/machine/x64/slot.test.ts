import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#src/core/limits.js';
import { registerName, x64Registers } from '#src/core/registers.js';
import { dataLayout, emptyShape, type Shape } from '#src/core/shape.js';
import { disassemble } from '#src/machine/x64/asm/disassembler.js';
import { registerFile } from '#src/machine/x64/registers.js';
import { codeImage, slotLayout } from '#src/machine/x64/trampolines/slot.js';
import { needs } from '../../support/needs.js';
import { type Line, objdump } from '../../support/objdump.js';
import { type Random, randomFor, rounds } from '../../support/random.js';

const KiB = 1024;
const registers = Object.values(x64Registers).filter((register) => register !== x64Registers.rip);

test('slots of random shapes read their own data', { skip: needs('objdump') }, (t) => {
  const random = randomFor(t);
  for (let left = rounds({ normal: 40, long: 1000 }); left > 0; left -= 40) {
    checkImages(Array.from({ length: Math.min(left, 40) }, () => [randomShape(random), 4 * KiB]));
  }
});

test('so do slots of several page sizes and code lengths', { skip: needs('objdump') }, (t) => {
  const random = randomFor(t);
  checkImages([
    [emptyShape, 64 * KiB],
    [{ registers, stack: undefined }, 16 * KiB],
    [{ registers, stack: { size: limits.stackSize, offset: limits.stackOffset, setSp: true } }, 16 * KiB],
    [randomShape(random), 64 * KiB],
    [randomShape(random), 1024 * KiB],
  ]);
});

test('the disassembler decodes any bytes', (t) => {
  const random = randomFor(t);
  for (let left = rounds({ normal: 500, long: 30_000 }); left > 0; left--) {
    const bytes = random.bytes(random.integer({ to: 64 }));
    const address = random.word() >> 17n;
    let at = 0;
    for (const instruction of disassemble(bytes, address)) {
      if (instruction.text === '(unknown)') assert.equal(instruction.bytes.length, 1);
      assert.equal(instruction.address, address + BigInt(at));
      assert.ok(instruction.bytes.length > 0);
      assert.deepEqual(instruction.bytes, bytes.subarray(at, at + instruction.bytes.length));
      at += instruction.bytes.length;
    }
    assert.equal(at, bytes.length);
  }
});

function randomShape(random: Random): Shape {
  const size = random.integer({ from: 1, to: limits.stackSize });
  const offset = random.pick([0, limits.stackOffset, random.integer({ to: limits.stackOffset })]);
  const stack = random.flip() ? { size, offset, setSp: random.flip() } : undefined;
  return { registers: random.some(registers).sort((a, b) => a - b), stack };
}

/** Checks many images with one run of objdump, whose start takes most of the time. */
function checkImages(wanted: readonly (readonly [shape: Shape, byteLength: number])[]): void {
  const images = wanted.map(([shape, byteLength]) => codeImage(shape, byteLength));
  const lines = objdump(Buffer.concat(images.map(({ bytes }) => bytes)));
  let next = 0;
  let start = 0;
  images.forEach((image, index) => {
    const [shape, byteLength] = wanted[index]!;
    const { count, stride, trapOffset, bytes } = image;
    assert.equal(bytes.length, byteLength);
    assert.equal(stride, slotLayout(shape).stride);
    assert.equal(stride % 16, 0);
    assert.equal(count, Math.floor(byteLength / stride));
    assert.deepEqual(image.shape, shape);
    assert.ok(bytes.subarray(count * stride).every((byte) => byte === 0xcc));

    // Each slot, with addresses relative to the image.
    for (let slot = 0; slot < count; slot++) {
      const from = next;
      const end = start + (slot + 1) * stride;
      while (next < lines.length && Number(lines[next]!.address) < end) next++;
      const instructions = lines.slice(from, next);
      checkSlot({ shape, instructions, trapOffset, code: start + slot * stride, end });
      checkReads({ shape, instructions, data: start + byteLength + slot * dataLayout(shape).stride });
    }
    start += byteLength;
    while (next < lines.length && Number(lines[next]!.address) < start) next++;
  });
  assert.equal(next, lines.length);
}

function checkSlot(slot: {
  shape: Shape;
  instructions: readonly Line[];
  trapOffset: number;
  code: number;
  end: number;
}): void {
  const { shape, instructions, trapOffset, code, end } = slot;
  const seen = () => JSON.stringify({ shape, code: instructions.map(({ text }) => text) }, null, 1);
  const [first] = instructions;
  assert.ok(first?.text === 'endbr64' && Number(first.address) === code, seen());
  assert.ok(!instructions.some(({ text }) => text.includes('(bad)')), seen());

  const jump = instructions.findIndex(({ text }) => text.startsWith('jmp'));
  const traps = instructions.slice(jump + 1);
  assert.equal(Number(traps[0]?.address), code + trapOffset, seen());
  assert.ok(traps.every(({ text }) => text === 'int3') && traps.length === end - code - trapOffset, seen());
}

/** PC, registers and stack data are loaded from their own words of the slot's data, and nothing else is. */
function checkReads({
  shape,
  instructions,
  data,
}: {
  shape: Shape;
  instructions: readonly Line[];
  data: number;
}): void {
  const { stackDataOffset } = dataLayout(shape);
  const reads = instructions
    .filter(({ memoryAddress }) => memoryAddress !== undefined)
    .map(({ text, memoryAddress }) => ({ text: text.split(' ')[1]!, at: Number(memoryAddress) - data }));
  const jump = reads.pop();
  assert.deepEqual(jump, { text: 'qword', at: 0 });
  const loads = reads.splice(reads.length - shape.registers.length);
  assert.deepEqual(
    loads,
    shape.registers.map((register, index) => ({
      text: `${registerName(registerFile, register)},`,
      at: 8 * (index + 1),
    })),
  );
  let at = stackDataOffset;
  for (const read of reads) {
    assert.equal(read.at, at);
    at += { 'r11,': 8, 'r11d,': 4, 'r11w,': 2, 'r11b,': 1 }[read.text] ?? Number.NaN;
  }
  assert.equal(at, stackDataOffset + (shape.stack?.size ?? 0));
}
