/** Arithmetic and text of sizes, addresses and 64-bit words. */

/** Returns the smallest multiple of `alignment` that is not less than `value`. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/** Returns an unsigned number in base 16, with `0x`. */
export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

/** Returns the two 32-bit halves of an unsigned 64-bit word. */
export function splitU64(value: bigint): { low: number; high: number } {
  return { low: Number(value & 0xffff_ffffn), high: Number(value >> 32n) };
}
