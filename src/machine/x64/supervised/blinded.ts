/**
 * Constant blinding: the values that a program chooses must not choose bytes of code. The code contains a value of 64
 * bits as three random numbers, and computes it in its register without other registers and without the flags:
 *
 *     mov rdx, start        start = byteswap(value - high) - low
 *     lea rdx, [rdx+low]    low and high are signed, 32 random bits each
 *     bswap rdx             a displacement changes the lower half only
 *     lea rdx, [rdx+high]
 *
 * Every value has its own random bits. With one key for several values, an attacker who guesses one of them knows the
 * others, since he chose their differences.
 */
import type { RandomU64 } from '../../supervised-code.js';
import type { Assembler } from '../asm/assembler.js';
import type { Gpr64 } from '../asm/operands.js';

/** Emits code that loads `value` into a register. */
export function emitBlindedConstant(asm: Assembler, register: Gpr64, value: bigint, random: RandomU64): void {
  const mask = random();
  const low = BigInt.asIntN(32, mask);
  const high = BigInt.asIntN(32, mask >> 32n);
  const start = byteSwap(value - high) - low;
  asm.emit('mov r64, imm64', register, BigInt.asIntN(64, start));
  asm.emit('lea r64, m', register, { base: register, displacement: Number(low) });
  asm.emit('bswap r64', register);
  asm.emit('lea r64, m', register, { base: register, displacement: Number(high) });
}

const view = new DataView(new ArrayBuffer(8));

function byteSwap(value: bigint): bigint {
  view.setBigUint64(0, value, true);
  return view.getBigUint64(0);
}
