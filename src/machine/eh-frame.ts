/**
 * Writes unwind tables, in the form that the sections `.eh_frame` of ELF files have: LSB Core (Generic) 5.0,
 * section 10.6.1. What stands in them is DWARF 5, section 6.4.
 *
 * An unwinder looks up the table of the code that a function returns to, and learns from it where the registers
 * of the function's caller are. Registers have the numbers of the architecture's psABI.
 */
import { Bytes } from './bytes.js';

const DW_CFA_advance_loc = 0x40;
const DW_CFA_offset = 0x80;
const DW_CFA_advance_loc1 = 0x02;
const DW_CFA_advance_loc2 = 0x03;
const DW_CFA_same_value = 0x08;
const DW_CFA_register = 0x09;
const DW_CFA_def_cfa = 0x0c;
const DW_CFA_def_cfa_expression = 0x0f;
const DW_CFA_expression = 0x10;
const DW_OP_deref = 0x06;
const DW_OP_breg0 = 0x70;
/** Addresses in the table have 8 bytes: as they are, or as distances from where they stand. LSB Core, 10.5.1. */
const DW_EH_PE_absptr = 0;
const DW_EH_PE_sdata8 = 0x0c;
const DW_EH_PE_pcrel = 0x10;

/** Offsets from the CFA are written in this unit. */
const dataAlignment = -8;

/** Memory as a table can tell it. */
export interface Place {
  readonly register: number;
  readonly offset: number;
}

/** The rules of one piece of code, written along with it. They hold from the position that was told last. */
export class FrameRules {
  readonly #bytes = new Bytes();
  #position: number;

  /** @param start where the code begins that the rules are about */
  constructor(start = 0) {
    this.#position = start;
  }

  /** From this position on. */
  at(position: number): this {
    const distance = position - this.#position;
    this.#position = position;
    if (distance < 0x40) this.#bytes.u8(DW_CFA_advance_loc | distance);
    else if (distance < 0x100) this.#bytes.u8(DW_CFA_advance_loc1, distance);
    else this.#bytes.u8(DW_CFA_advance_loc2).u16(distance);
    return this;
  }

  /** The CFA, which is the caller's stack pointer behind the call, is a register plus an offset. */
  cfa({ register, offset }: Place): this {
    this.#bytes.u8(DW_CFA_def_cfa).uleb128(register).uleb128(offset);
    return this;
  }

  /** The CFA stands in memory. */
  cfaSaved(place: Place): this {
    const expression = address(place).u8(DW_OP_deref).finish();
    this.#bytes.u8(DW_CFA_def_cfa_expression).uleb128(expression.length).raw(expression);
    return this;
  }

  /** The caller's register stands in memory. */
  saved(register: number, place: Place): this {
    const expression = address(place).finish();
    this.#bytes.u8(DW_CFA_expression).uleb128(register).uleb128(expression.length).raw(expression);
    return this;
  }

  /** The caller's register stands so many bytes below the CFA. */
  savedBelowCfa(register: number, offset: number): this {
    this.#bytes.u8(DW_CFA_offset | register).uleb128(-offset / dataAlignment);
    return this;
  }

  /** The caller's register is where it was. */
  unchanged(register: number): this {
    this.#bytes.u8(DW_CFA_same_value).uleb128(register);
    return this;
  }

  /** The caller's register stands in another one. */
  inRegister(register: number, other: number): this {
    this.#bytes.u8(DW_CFA_register).uleb128(register).uleb128(other);
    return this;
  }

  finish(): Uint8Array {
    return this.#bytes.finish();
  }
}

const address = ({ register, offset }: Place): Bytes =>
  new Bytes().u8(DW_OP_breg0 + register).sleb128(offset);

/** How to unwind through a piece of code. */
export interface Frame {
  /** Where the code begins, in bytes from the start of what it is part of, and its length. */
  readonly start: number;
  readonly length: number;
  /** The number that stands for the return address. */
  readonly returnAddress: number;
  readonly rules: Uint8Array;
}

/** A whole table, for code of which `start` counts from the address `base`. */
export function ehFrame(frame: Frame, base: bigint): Uint8Array {
  return table(frame, DW_EH_PE_absptr, () => base);
}

/** One that can be mapped anywhere together with its code, of which `start` counts from the start of the table. */
export function relativeEhFrame(frame: Frame): Uint8Array {
  return table(frame, DW_EH_PE_pcrel | DW_EH_PE_sdata8, (position) => BigInt(-position));
}

/** @param base what `start` is added to where it is written at a position */
function table(
  { start, length, returnAddress, rules }: Frame,
  encoding: number,
  base: (position: number) => bigint,
): Uint8Array {
  const cie = entry(
    new Bytes()
      .u32(0) // this is a CIE
      .u8(1) // of version 1
      .raw(new TextEncoder().encode('zR\0'))
      .uleb128(1) // the unit of positions in the code
      .sleb128(dataAlignment)
      .uleb128(returnAddress)
      .uleb128(1) // bytes about `R`: how addresses are written
      .u8(encoding),
  );
  const fde = entry(
    new Bytes()
      .u32(cie.length + 4) // back from here to the CIE
      .u64(base(cie.length + 8) + BigInt(start), length)
      .uleb128(0) // nothing about `z`
      .raw(rules),
  );
  // A length of 0 ends the table.
  return new Bytes().raw(cie).raw(fde).u32(0).finish();
}

/** An entry with its length in front; filled up to a multiple of 8 with zeros, which mean nothing. */
function entry(content: Bytes): Uint8Array {
  const length = Math.ceil((4 + content.length) / 8) * 8 - 4;
  return new Bytes().u32(length).raw(content.padTo(length).finish()).finish();
}
