/**
 * Constant blinding: the values that a program chooses must not choose executable bytes.
 *
 * In data, two random words represent a value of 64 bits, and code combines them with EOR: `blindedWords`. In code,
 * where only one register is free, 64 random bits are added to a random number, 24 at a time, the most that ADD takes,
 * and ROR rotates the next bits into place. That does not change the flags:
 *
 *     mov  x2, start[0]           start is chosen so that the result is the value
 *     movk x2, start[1], lsl #16
 *     movk x2, start[2], lsl #32
 *     movk x2, start[3], lsl #48
 *     add  x2, x2, low            12 random bits
 *     add  x2, x2, high, lsl #12  12 more
 *     ror  x2, x2, 24             and twice again
 *
 * Every value has its own random bits. With one key for several values, an attacker who guesses one of them knows the
 * others, since he chose their differences.
 */
import type { RandomU64 } from '../../supervised-code.js';
import type { Assembler } from '../asm/assembler.js';
import type { Gpr64 } from '../asm/operands.js';

/** Bits per addition, and rotations after each: 64 bits in total. */
const bitsPerStep = 24;
const rotations = [24, 24, 16] as const;

/** Emits code that loads `value` into a register. */
export function emitBlindedConstant(
  asm: Assembler,
  register: Exclude<Gpr64, 'xzr'>,
  value: bigint,
  random: RandomU64,
): void {
  const masks = rotations.map(() => random() & (2n ** BigInt(bitsPerStep) - 1n));
  const initial = rotations.reduceRight(
    (sum, rotation, index) => BigInt.asUintN(64, rotateLeft(sum, rotation) - masks[index]!),
    BigInt.asUintN(64, value),
  );
  const halfword = (bit: bigint): number => Number((initial >> bit) & 0xffffn);
  asm.emit('mov <Xd>, #<imm>', register, halfword(0n));
  asm.emit('movk <Xd>, #<imm>, lsl #16', register, halfword(16n));
  asm.emit('movk <Xd>, #<imm>, lsl #32', register, halfword(32n));
  asm.emit('movk <Xd>, #<imm>, lsl #48', register, halfword(48n));
  for (const [index, rotation] of rotations.entries()) {
    const mask = Number(masks[index]);
    asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', register, register, mask & 0xfff);
    asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>, lsl #12', register, register, mask >> 12);
    asm.emit('ror <Xd>, <Xs>, #<shift>', register, register, rotation);
  }
}

function rotateLeft(value: bigint, amount: number): bigint {
  return BigInt.asUintN(64, (value << BigInt(amount)) | (value >> BigInt(64 - amount)));
}

/** Returns two words whose EOR is the value. */
export function blindedWords(value: bigint, random: RandomU64): [bigint, bigint] {
  const key = random();
  return [BigInt.asUintN(64, value) ^ key, key];
}
