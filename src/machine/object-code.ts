/** Helpers for the code of supervised objects on all architectures. */

/** Throws a RangeError if the selectors overlap the code of the entries. */
export function assertSelectorsOutside({
  selectorsOffset,
  length,
  count,
}: {
  readonly selectorsOffset: number;
  /** Bytes of `count` entries. */
  readonly length: number;
  readonly count: number;
}): void {
  if (selectorsOffset >= length) return;
  throw new RangeError(`the selectors at ${selectorsOffset} overlap the code of ${count} entries`);
}

/** Returns up to 8 bytes as a little-endian number. */
export function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
