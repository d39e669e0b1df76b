/**
 * Writes unwind tables, in the form that the sections `.eh_frame` of ELF files have: LSB Core (Generic) 5.0,
 * section 10.6.1. What stands in them is DWARF 5, section 6.4.
 *
 * An unwinder looks up the table of the code that a function returns to, and learns from it where the registers
 * of the function's caller are. Registers have the numbers of the architecture's psABI.
 */
import { ByteWriter } from './byte-writer.js';

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
const dataAlignmentFactor = -8;

/** Memory as a table can tell it. */
export interface RegisterOffset {
  readonly register: number;
  readonly offset: number;
}

/** The rules of one piece of code, written along with it. They hold from the position that was told last. */
export class CfiBuilder {
  readonly #writer = new ByteWriter();
  #position: number;

  /** @param start where the code begins that the rules are about */
  constructor(start = 0) {
    this.#position = start;
  }

  /** From this position on. */
  advanceTo(position: number): this {
    const distance = position - this.#position;
    this.#position = position;
    if (distance < 0x40) this.#writer.u8(DW_CFA_advance_loc | distance);
    else if (distance < 0x100) this.#writer.u8(DW_CFA_advance_loc1, distance);
    else this.#writer.u8(DW_CFA_advance_loc2).u16(distance);
    return this;
  }

  /** The CFA, which is the caller's stack pointer behind the call, is a register plus an offset. */
  defineCfa({ register, offset }: RegisterOffset): this {
    this.#writer.u8(DW_CFA_def_cfa).uleb128(register).uleb128(offset);
    return this;
  }

  /** The CFA stands in memory. */
  cfaSavedAt(location: RegisterOffset): this {
    const expression = encodeAddress(location).u8(DW_OP_deref).toBytes();
    this.#writer.u8(DW_CFA_def_cfa_expression).uleb128(expression.length).bytes(expression);
    return this;
  }

  /** The caller's register stands in memory. */
  registerSavedAt(register: number, location: RegisterOffset): this {
    const expression = encodeAddress(location).toBytes();
    this.#writer.u8(DW_CFA_expression).uleb128(register).uleb128(expression.length).bytes(expression);
    return this;
  }

  /** The caller's register stands so many bytes below the CFA. */
  registerSavedBelowCfa(register: number, offset: number): this {
    this.#writer.u8(DW_CFA_offset | register).uleb128(-offset / dataAlignmentFactor);
    return this;
  }

  /** The caller's register is where it was. */
  registerUnchanged(register: number): this {
    this.#writer.u8(DW_CFA_same_value).uleb128(register);
    return this;
  }

  /** The caller's register stands in another one. */
  registerSavedInRegister(register: number, holder: number): this {
    this.#writer.u8(DW_CFA_register).uleb128(register).uleb128(holder);
    return this;
  }

  toBytes(): Uint8Array {
    return this.#writer.toBytes();
  }
}

const encodeAddress = ({ register, offset }: RegisterOffset): ByteWriter =>
  new ByteWriter().u8(DW_OP_breg0 + register).sleb128(offset);

/** How to unwind through a piece of code. */
export interface FrameDescription {
  /** Where the code begins, in bytes from the start of what it is part of, and its length. */
  readonly start: number;
  readonly length: number;
  /** The number that stands for the return address. */
  readonly returnAddress: number;
  readonly cfi: Uint8Array;
}

/** A whole table, for code of which `start` counts from the address `base`. */
export function ehFrame(frame: FrameDescription, base: bigint): Uint8Array {
  return encodeEhFrame(frame, DW_EH_PE_absptr, () => base);
}

/** One that can be mapped anywhere together with its code, of which `start` counts from the start of the table. */
export function pcRelativeEhFrame(frame: FrameDescription): Uint8Array {
  return encodeEhFrame(frame, DW_EH_PE_pcrel | DW_EH_PE_sdata8, (position) => BigInt(-position));
}

/** @param baseAt what `start` is added to where it is written at a position */
function encodeEhFrame(
  { start, length, returnAddress, cfi }: FrameDescription,
  encoding: number,
  baseAt: (position: number) => bigint,
): Uint8Array {
  const cie = encodeEntry(
    new ByteWriter()
      .u32(0) // this is a CIE
      .u8(1) // of version 1
      .bytes(new TextEncoder().encode('zR\0'))
      .uleb128(1) // the unit of positions in the code
      .sleb128(dataAlignmentFactor)
      .uleb128(returnAddress)
      .uleb128(1) // bytes about `R`: how addresses are written
      .u8(encoding),
  );
  const fde = encodeEntry(
    new ByteWriter()
      .u32(cie.length + 4) // back from here to the CIE
      .u64(baseAt(cie.length + 8) + BigInt(start), length)
      .uleb128(0) // nothing about `z`
      .bytes(cfi),
  );
  // A length of 0 ends the table.
  return new ByteWriter().bytes(cie).bytes(fde).u32(0).toBytes();
}

/** An entry with its length in front; filled up to a multiple of 8 with zeros, which mean nothing. */
function encodeEntry(content: ByteWriter): Uint8Array {
  const length = Math.ceil((4 + content.length) / 8) * 8 - 4;
  return new ByteWriter().u32(length).bytes(content.padTo(length).toBytes()).toBytes();
}
