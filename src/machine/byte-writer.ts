/** A list of bytes to which numbers are appended, little-endian. */
export class ByteWriter {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  u8(...values: number[]): this {
    this.#bytes.push(...values);
    return this;
  }

  u16(...values: number[]): this {
    for (const value of values) this.u8(value & 0xff, value >> 8);
    return this;
  }

  u32(...values: number[]): this {
    for (const value of values) this.u16(value & 0xffff, value >>> 16);
    return this;
  }

  u64(...values: (number | bigint)[]): this {
    for (const value of values) this.u32(Number(BigInt(value) & 0xffff_ffffn), Number(BigInt(value) >> 32n));
    return this;
  }

  /** Appends LEB128, 7 bits per byte: DWARF 5, section 7.6. */
  uleb128(value: number): this {
    let remaining = value;
    for (; remaining >= 0x80; remaining >>>= 7) this.u8((remaining & 0x7f) | 0x80);
    return this.u8(remaining);
  }

  sleb128(value: number): this {
    let remaining = value;
    for (; remaining < -0x40 || remaining >= 0x40; remaining >>= 7) this.u8((remaining & 0x7f) | 0x80);
    return this.u8(remaining & 0x7f);
  }

  bytes(bytes: Uint8Array): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  padTo(position: number): this {
    while (this.length < position) this.u8(0);
    return this;
  }

  toBytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
