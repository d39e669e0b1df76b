/**
 * Constant blinding: a program that chooses values must not choose bytes of code with them. A value of 64 bits
 * enters the code as three numbers that are each as random as what masks them, and is put together in the
 * register where it belongs, without another register and without the flags:
 *
 *     mov rdx, start        start = byteswap(value - high) - low
 *     lea rdx, [rdx+low]    low and high are 32 random bits each, taken as signed
 *     bswap rdx             since a displacement reaches the lower half only
 *     lea rdx, [rdx+high]
 *
 * Every value has random bits of its own. With one key for several values, whoever is lucky with one of them has
 * the others as well, since their differences would be his choice.
 */
import type { RandomU64 } from '../../supervised-code.js';
import type { Assembler } from '../asm/assembler.js';
import type { Gpr64 } from '../asm/operands.js';

/** Loads `value` into a register. */
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
