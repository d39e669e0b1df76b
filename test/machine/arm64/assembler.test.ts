import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Assembler } from '#src/machine/arm64/asm/assembler.js';
import { disassemble } from '#src/machine/arm64/asm/disassembler.js';
import { needs } from '../../support/needs.js';
import { objdump } from '../../support/objdump-arm64.js';
import { randomFor, rounds } from '../../support/random.js';
import { likelyWord, randomCode } from '../../support/random-code-arm64.js';

const batch = 20_000;
const skip = needs('objdump');

test('objdump and the disassembler agree with the assembler', { skip }, (t) => {
  const random = randomFor(t);
  for (let left = rounds({ normal: batch, long: 1_000_000 }); left > 0; left -= batch) {
    const { code, written } = randomCode(random, batch);
    const theirs = objdump(code);
    const ours = disassemble(code, 0n);
    let compared = 0;
    written.forEach(({ at, text, target, hasAlias }, index) => {
      const own = ours[index]!;
      const their = theirs[index]!;
      assert.equal(own.text, their.text);
      assert.deepEqual(
        [own.address, their.address, own.bytes.length],
        [BigInt(at), BigInt(at), their.length],
      );
      const place = target === undefined ? undefined : BigInt.asUintN(64, BigInt(target));
      assert.equal(own.memoryAddress ?? own.target, place, text);
      assert.equal(own.memoryAddress, their.memoryAddress, text);
      assert.equal(own.noFallthrough, /^(b|br|ret)( |$)/.test(text), text);
      if (hasAlias) return;
      assert.equal(their.text, text);
      compared++;
    });
    assert.ok(compared > 0.9 * batch, `only ${compared} have no alias`);
    assert.equal(theirs.length, written.length);
    assert.equal(ours.length, written.length);
  }
});

test('objdump agrees with the disassembler about random words', { skip }, (t) => {
  const random = randomFor(t);
  for (let left = rounds({ normal: 1, long: 20 }); left > 0; left--) {
    const words = Uint32Array.from({ length: batch }, () => likelyWord(random));
    const theirs = objdump(new Uint8Array(words.buffer));
    for (const [index, { text }] of disassemble(new Uint8Array(words.buffer), 0n).entries()) {
      if (text !== '(unknown)') assert.equal(text, theirs[index]!.text, words[index]!.toString(16));
    }
  }
});

test('the disassembler decodes any bytes', (t) => {
  const random = randomFor(t);
  for (let left = rounds({ normal: 500, long: 30_000 }); left > 0; left--) {
    const bytes = random.bytes(random.integer({ to: 64 }));
    const address = (random.word() >> 17n) & ~3n;
    const found = disassemble(bytes, address);
    assert.equal(found.length, Math.ceil(bytes.length / 4));
    for (const [index, instruction] of found.entries()) {
      assert.equal(instruction.address, address + BigInt(4 * index));
      assert.deepEqual(instruction.bytes, bytes.subarray(4 * index, 4 * index + 4));
    }
  }
});

test('invalid operands do not compile', () => {
  const asm = new Assembler();
  const to = asm.label(0);
  // The compiler checks these functions; they are never called.
  const bad = [
    // @ts-expect-error no such form
    () => asm.emit('mov <Xd>, <imm>', 'x0', 1),
    // @ts-expect-error the code of sp means the zero register here
    () => asm.emit('add <Xd>, <Xn>, <Xm>', 'sp', 'x0', 'x1'),
    // @ts-expect-error the code of xzr means the stack pointer here
    () => asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'xzr', 'x0', 1),
    // @ts-expect-error a register of another size
    () => asm.emit('mov <Xd>, <Xm>', 'w0', 'x1'),
    // @ts-expect-error an address is 64 bits long
    () => asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x0', 'w1', 0),
    // @ts-expect-error a general register in place of a vector register
    () => asm.emit('ldr <Dt>, [<Xn|SP>, #<pimm>]', 'x0', 'x1', 0),
    // @ts-expect-error there is no x31
    () => asm.emit('br <Xn>', 'x31'),
    // @ts-expect-error no condition
    () => asm.emit('b.<cond> <label>', 'zz', to),
    // @ts-expect-error a number in place of a label
    () => asm.emit('b <label>', 4),
    // @ts-expect-error a label in place of a number
    () => asm.emit('brk #<imm>', to),
    // @ts-expect-error an operand is missing
    () => asm.emit('mov <Xd>, <Xm>', 'x0'),
    // @ts-expect-error one operand too many
    () => asm.emit('ret', 'x0'),
  ];
  assert.equal(asm.position, 0, `${bad.length} instructions that do not exist`);
});

test('numbers that do not fit are rejected', () => {
  const asm = new Assembler();
  for (const offset of [-8, 4, 0.5, 8 * 4096, Number.NaN]) {
    assert.throws(() => asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x0', 'x1', offset), RangeError);
  }
  for (const offset of [-520, 512, 4]) {
    assert.throws(
      () => asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]!', 'x0', 'x1', 'sp', offset),
      RangeError,
    );
  }
  for (const value of [-1, 2 ** 16, 0.5]) {
    assert.throws(() => asm.emit('mov <Xd>, #<imm>', 'x0', value), RangeError);
  }
  for (const value of [0, -(2 ** 16) - 1]) {
    assert.throws(() => asm.emit('mov <Xd>, #<negative>', 'x0', value), RangeError);
  }
  // Not one run of ones: none, all, two, or not an integer.
  for (const mask of [0, -1, 5, 0.5, 2 ** 60]) {
    assert.throws(() => asm.emit('and <Xd|SP>, <Xn>, #<mask>', 'x0', 'x1', mask), RangeError);
  }
  assert.equal(asm.position, 0);
});

test('a label must be bound, in reach, and at an instruction', () => {
  const unbound = new Assembler();
  unbound.emit('b <label>', unbound.label());
  assert.throws(() => unbound.finish(), /never bound/);

  for (const { position, addend, reached } of [
    { position: 2 ** 20 - 4, addend: 0, reached: true },
    { position: 2 ** 20 - 4, addend: 4, reached: false },
    { position: -(2 ** 20), addend: 0, reached: true },
    { position: -(2 ** 20), addend: -4, reached: false },
    { position: 2, addend: 0, reached: false },
    { position: 2 ** 32, addend: 0, reached: false },
  ]) {
    const asm = new Assembler();
    asm.emit('ldr <Xt>, <label>', 'x0', { to: asm.label(position), addend });
    if (reached) assert.equal(asm.finish().length, 4);
    else assert.throws(() => asm.finish(), RangeError);
  }
});

test('instructions are aligned to 4 bytes', () => {
  const asm = new Assembler();
  asm.data(Uint8Array.of(1));
  assert.throws(() => asm.emit('ret'), /misaligned instruction at 1/);
  asm.padTo(8);
  assert.deepEqual(
    disassemble(asm.finish(12), 0n).map(({ text }) => text),
    ['(unknown)', 'brk #0x0', 'brk #0x0'],
  );
});
