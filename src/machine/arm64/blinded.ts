/**
 * Constant blinding: a program that chooses values must not choose bytes that can be executed. A value of 64 bits
 * becomes two words that are each as random as what masks them.
 *
 * Where there is data, the words stand there, and the code takes one from the other with EOR: `blindedWords`. In code,
 * where only one register is free, 64 random bits are added to a random number, 24 at a time, which is what ADD
 * takes, and ROR brings the next ones down. That leaves the flags alone:
 *
 *     mov  x2, start[0]           start is what gives the value in the end
 *     movk x2, start[1], lsl #16
 *     movk x2, start[2], lsl #32
 *     movk x2, start[3], lsl #48
 *     add  x2, x2, low            12 random bits
 *     add  x2, x2, high, lsl #12  12 more
 *     ror  x2, x2, 24             and twice again
 *
 * Every value has random bits of its own. With one key for several values, whoever is lucky with one of them has
 * the others as well, since their differences would be his choice.
 */
import type { RandomWord } from '../machine.js';
import type { Assembler } from './assembler.js';
import type { Gpr64 } from './operands.js';

/** Bits that are added, and how far the sum is rotated then: 64 in all. */
const bits = 24;
const rotations = [24, 24, 16] as const;

/** Loads `value` into a register. */
export function emitBlinded(
  asm: Assembler,
  register: Exclude<Gpr64, 'xzr'>,
  value: bigint,
  random: RandomWord,
): void {
  const masks = rotations.map(() => random() & (2n ** BigInt(bits) - 1n));
  const start = rotations.reduceRight(
    (after, turn, index) => BigInt.asUintN(64, rotateLeft(after, turn) - masks[index]!),
    BigInt.asUintN(64, value),
  );
  const part = (at: bigint): number => Number((start >> at) & 0xffffn);
  asm.emit('mov <Xd>, #<imm>', register, part(0n));
  asm.emit('movk <Xd>, #<imm>, lsl #16', register, part(16n));
  asm.emit('movk <Xd>, #<imm>, lsl #32', register, part(32n));
  asm.emit('movk <Xd>, #<imm>, lsl #48', register, part(48n));
  for (const [index, turn] of rotations.entries()) {
    const mask = Number(masks[index]);
    asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', register, register, mask & 0xfff);
    asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>, lsl #12', register, register, mask >> 12);
    asm.emit('ror <Xd>, <Xs>, #<shift>', register, register, turn);
  }
}

function rotateLeft(value: bigint, turn: number): bigint {
  return BigInt.asUintN(64, (value << BigInt(turn)) | (value >> BigInt(64 - turn)));
}

/** Two words, of which EOR makes the value. */
export function blindedWords(value: bigint, random: RandomWord): [bigint, bigint] {
  const key = random();
  return [BigInt.asUintN(64, value) ^ key, key];
}
