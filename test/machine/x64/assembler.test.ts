import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Assembler } from '#src/machine/x64/asm/assembler.js';
import { disassemble } from '#src/machine/x64/asm/disassembler.js';
import { needs } from '../../support/needs.js';
import { objdump } from '../../support/objdump.js';
import { randomFor, rounds } from '../../support/random.js';
import { likelyBytes, randomCode } from '../../support/random-code-x64.js';

const batch = 20_000;

test('objdump and the disassembler agree with the assembler', {
  skip: needs('objdump'),
}, (t) => {
  const random = randomFor(t);
  for (let left = rounds({ normal: batch, long: 1_000_000 }); left > 0; left -= batch) {
    const { code, written } = randomCode(random, batch);
    const theirs = objdump(code);
    const ours = disassemble(code, 0n);
    written.forEach(({ at, length, text, target, refers }, index) => {
      const position = target?.();
      const expected = {
        address: BigInt(at),
        length,
        text: text((position ?? 0) - at - length),
        memoryAddress: position === undefined || !refers ? undefined : BigInt.asUintN(64, BigInt(position)),
      };
      const hex = Buffer.from(code.subarray(at, at + length)).toString('hex');
      const { bytes, noFallthrough, target: led, ...own } = ours[index]!;
      assert.equal(
        led,
        refers || position === undefined ? undefined : BigInt.asUintN(64, BigInt(position)),
        hex,
      );
      same({ ...own, length: bytes.length }, expected, `our disassembler on ${hex}`);
      same(theirs[index]!, expected, `objdump on ${hex}`);
      assert.equal(noFallthrough, /^(jmp|ret)/.test(expected.text), hex);
    });
    assert.equal(theirs.length, written.length);
    assert.equal(ours.length, written.length);
  }
});

test('objdump agrees with the disassembler about random bytes', {
  skip: needs('objdump'),
}, (t) => {
  const random = randomFor(t);
  for (let left = rounds({ normal: 1, long: 20 }); left > 0; left--) {
    const found = Array.from({ length: batch / 2 }, () =>
      disassemble(likelyBytes(random), 0n).filter(({ text }) => text !== '(unknown)'),
    ).flat();
    const code = Buffer.concat(found.map(({ bytes }) => bytes));
    const theirs = objdump(code);
    // Decoded again at their final addresses, which determine the targets of jumps.
    for (const [index, { text, bytes }] of disassemble(code, 0n).entries()) {
      const { text: expected, length } = theirs[index]!;
      same({ text, length: bytes.length }, { text: expected, length }, Buffer.from(bytes).toString('hex'));
    }
  }
});

test('invalid operands do not compile', () => {
  const asm = new Assembler();
  const to = asm.label(0);
  // The compiler checks these functions; they are never called.
  const bad = [
    // @ts-expect-error no such form
    () => asm.emit('mov r64, imm32', 'rax', 1),
    // @ts-expect-error 64 bits are a bigint
    () => asm.emit('mov r64, imm64', 'rax', 1),
    // @ts-expect-error the code of rsp means no index
    () => asm.emit('lea r64, m', 'rax', { base: 'rbx', index: { register: 'rsp', scale: 1 } }),
    // @ts-expect-error a label takes no index
    () => asm.emit('lea r64, m', 'rax', { to, index: { register: 'rbx', scale: 1 } }),
    // @ts-expect-error a register of another size
    () => asm.emit('mov r64, r/m64', 'eax', 'rbx'),
    // @ts-expect-error a register of another size
    () => asm.emit('mov r/m8, r8', { base: 'rsp' }, 'r11'),
    // @ts-expect-error ah cannot be named
    () => asm.emit('seto r/m8', 'ah'),
    // @ts-expect-error a register in place of memory
    () => asm.emit('lea r64, m', 'rax', 'rbx'),
    // @ts-expect-error memory in place of a register
    () => asm.emit('mov r64, r/m64', { base: 'rax' }, 'rbx'),
    // @ts-expect-error an address is 64 bits long
    () => asm.emit('jmp r/m64', { base: 'eax' }),
    // @ts-expect-error a displacement belongs to a base; a label has an addend
    () => asm.emit('jmp r/m64', { to, displacement: 1 }),
    // @ts-expect-error an immediate in place of a register
    () => asm.emit('mov r32, r/m32', 'eax', 1),
    // @ts-expect-error a register in place of an immediate
    () => asm.emit('and r/m64, imm8', 'rsp', 'al'),
    // @ts-expect-error an operand is missing
    () => asm.emit('mov r64, r/m64', 'rax'),
    // @ts-expect-error one operand too many
    () => asm.emit('ret', 'rax'),
  ];
  assert.equal(asm.position, 0, `${bad.length} instructions that do not exist`);
});

test('numbers that do not fit are rejected', () => {
  const asm = new Assembler();
  for (const displacement of [2 ** 31, -(2 ** 31) - 1, 2 ** 32, 0.5, Number.NaN]) {
    assert.throws(() => asm.emit('jmp r/m64', { base: 'rax', displacement }), RangeError);
  }
  for (const value of [128, -129, 0.5])
    assert.throws(() => asm.emit('and r/m64, imm8', 'rsp', value), RangeError);
  for (const value of [2 ** 31, -(2 ** 31) - 1]) {
    assert.throws(() => asm.emit('mov r/m32, imm32', 'eax', value), RangeError);
  }
  for (const value of [-1, 2 ** 16, 0.5]) assert.throws(() => asm.emit('ret imm16', value), RangeError);
  for (const value of [2n ** 63n, -(2n ** 63n) - 1n]) {
    assert.throws(() => asm.emit('mov r64, imm64', 'rax', value), RangeError);
  }
});

test('a label must be bound and in reach', () => {
  const unbound = new Assembler();
  unbound.emit('jmp r/m64', { to: unbound.label() });
  assert.throws(() => unbound.finish(), /never bound/);

  const length = 6; // of the jump
  for (const { position, addend, reached } of [
    { position: length + 2 ** 31 - 1, addend: 0, reached: true },
    { position: length + 2 ** 31 - 1, addend: 1, reached: false },
    { position: length - 2 ** 31, addend: 0, reached: true },
    { position: length - 2 ** 31, addend: -1, reached: false },
    { position: 2 ** 32, addend: 0, reached: false },
  ]) {
    const asm = new Assembler();
    asm.emit('jmp r/m64', { to: asm.label(position), addend });
    if (reached) assert.equal(asm.finish().length, length);
    else assert.throws(() => asm.finish(), RangeError);
  }
});

/** Calls `deepEqual`, which is slow, only if values differ. */
function same<Value extends object>(actual: Value, expected: Value, message: string): void {
  const keys = Object.keys(expected) as (keyof Value)[];
  if (keys.some((key) => actual[key] !== expected[key])) assert.deepEqual(actual, expected, message);
}
