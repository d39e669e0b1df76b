/** Slots of arm64 in images of several sizes, decoded by objdump. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#src/core/limits.js';
import { arm64Registers, registerName } from '#src/core/registers.js';
import { dataLayout, emptyShape, handlerShape, type Shape } from '#src/core/shape.js';
import { registerFile } from '#src/machine/arm64/registers.js';
import { assertShape, codeImage, maxImageBytes, slotLayout } from '#src/machine/arm64/trampolines/slot.js';
import { needs } from '../../support/needs.js';
import type { Line } from '../../support/objdump.js';
import { objdump } from '../../support/objdump-arm64.js';
import { type Random, randomFor, rounds } from '../../support/random.js';

const KiB = 1024;
const skip = needs('objdump');
const { x16, x17, pc } = arm64Registers;
const registers = Object.values(arm64Registers).filter((register) => register !== pc && register !== x17);

test('slots of random shapes read their own data', { skip }, (t) => {
  const random = randomFor(t);
  for (let left = rounds({ normal: 40, long: 1000 }); left > 0; left -= 40) {
    checkImages(Array.from({ length: Math.min(left, 40) }, () => [randomShape(random), 4 * KiB]));
  }
});

test('so do slots of several page sizes, up to the longest code', { skip }, (t) => {
  const random = randomFor(t);
  const stack = { size: limits.stackSize, offset: limits.stackOffset, setSp: true };
  checkImages([
    [emptyShape, 64 * KiB],
    [{ registers, stack: undefined }, 16 * KiB],
    [{ registers, stack }, 16 * KiB],
    [randomShape(random), 64 * KiB],
  ]);
  for (const shape of [
    emptyShape,
    { registers, stack: undefined },
    { registers, stack },
    randomShape(random),
  ]) {
    checkImages([[shape, maxImageBytes]]);
    assert.throws(() => codeImage(shape, maxImageBytes + 4 * KiB), RangeError);
  }
});

test('handlers: slots and their common part', { skip }, () => {
  const { bytes, count, stride, trapOffset, frame } = codeImage(handlerShape, 64 * KiB);
  const lines = objdump(bytes).map(({ text, memoryAddress }) => ({ text, memoryAddress }));
  for (let slot = 0; slot < count; slot++) {
    const own = lines.slice((slot * stride) / 4, ((slot + 1) * stride) / 4);
    const data = BigInt(bytes.length + slot * dataLayout(handlerShape).stride);
    assert.equal(own[0]!.text, 'bti c');
    assert.deepEqual(
      own.flatMap(({ memoryAddress }) => memoryAddress ?? []),
      [data, data + 8n],
    );
    assert.equal(own[trapOffset / 4 - 1]!.text, `b 0x${frame!.start.toString(16)}`);
    assert.ok(own.slice(trapOffset / 4).every(({ text }) => text === 'brk #0x0'));
  }
  const shared = lines.slice(frame!.start / 4, (frame!.start + frame!.length) / 4);
  assert.equal(shared.filter(({ text }) => text.startsWith('blr')).length, 1);
  assert.ok(lines.every(({ text }) => !/undefined|\.inst|udf/.test(text)));
});

test('x16 and x17 together are rejected: a jump needs one of them', () => {
  const stack = undefined;
  for (const given of [[x16], [x17], registers]) assertShape({ registers: given, stack }, 'registers');
  assert.throws(
    () => assertShape({ registers: [x16, x17], stack }, 'regs'),
    new RangeError('regs must not set both x16 and x17: one of them carries the PC on arm64'),
  );
});

function randomShape(random: Random): Shape {
  const size = random.integer({ from: 1, to: limits.stackSize });
  const offset = random.pick([0, limits.stackOffset, random.integer({ to: limits.stackOffset })]);
  const stack = random.flip() ? { size, offset, setSp: random.flip() } : undefined;
  const carrier = random.pick([x16, x17]);
  const left = [...registers, x17].filter((register) => register !== carrier);
  return { registers: random.some(left).sort((a, b) => a - b), stack };
}

/** Checks many images with one run of objdump, whose start takes most of the time. */
function checkImages(wanted: readonly (readonly [shape: Shape, byteLength: number])[]): void {
  const images = wanted.map(([shape, byteLength]) => codeImage(shape, byteLength));
  const lines = objdump(Buffer.concat(images.map(({ bytes }) => bytes)));
  let start = 0;
  images.forEach((image, index) => {
    const [shape, byteLength] = wanted[index]!;
    const { count, stride, trapOffset, bytes } = image;
    assert.equal(bytes.length, byteLength);
    assert.deepEqual({ stride, trapOffset }, slotLayout(shape));
    assert.equal(stride % 16, 0);
    assert.equal(count, Math.floor(byteLength / stride));
    for (let slot = 0; slot < count; slot++) {
      const code = start + slot * stride;
      const instructions = lines.slice(code / 4, (code + stride) / 4);
      checkSlot({ shape, instructions, trapOffset });
      checkReads({ shape, instructions, data: start + byteLength + slot * dataLayout(shape).stride });
    }
    const rest = lines.slice((start + count * stride) / 4, (start + byteLength) / 4);
    assert.ok(rest.every(({ text }) => text === 'brk #0x0'));
    start += byteLength;
  });
}

function checkSlot(slot: { shape: Shape; instructions: readonly Line[]; trapOffset: number }): void {
  const { shape, instructions, trapOffset } = slot;
  const texts = instructions.map(({ text }) => text);
  const seen = JSON.stringify({ shape, texts }, null, 1);
  const carrier = shape.registers.includes(x16) ? 'x17' : 'x16';
  assert.equal(texts[0], 'bti c', seen);
  assert.equal(texts.indexOf(`br ${carrier}`), trapOffset / 4 - 1, seen);
  assert.ok(
    texts.slice(trapOffset / 4).every((text) => text === 'brk #0x0') && texts.length > trapOffset / 4,
    seen,
  );
  // The load of the PC orders the loads of the body after it.
  if (shape === emptyShape) assert.equal(texts[2], 'ldar x16, [x16]');
}

/** PC, registers and stack data are loaded from their own words of the slot's data, and nothing else is. */
function checkReads(slot: { shape: Shape; instructions: readonly Line[]; data: number }): void {
  const { shape, instructions, data } = slot;
  const { stackDataOffset } = dataLayout(shape);
  const carrier = shape.registers.includes(x16) ? 'x17' : 'x16';
  const pieces = Array.from(
    { length: Math.ceil((shape.stack?.size ?? 0) / 8) },
    (_, index) => stackDataOffset + 8 * index,
  );
  const reads = instructions
    .filter(({ memoryAddress }) => memoryAddress !== undefined)
    .map(({ text, memoryAddress }) => ({
      register: text.split(/[ ,]/)[1],
      at: Number(memoryAddress) - data,
    }));
  assert.deepEqual(reads, [
    ...pieces.map((at) => ({ register: 'x17', at })),
    ...shape.registers.map((register, index) => ({
      register: registerName(registerFile, register),
      at: 8 * (index + 1),
    })),
    { register: carrier, at: 0 },
  ]);
}
