/**
 * Writes unwind tables in the format of `.eh_frame` sections: LSB Core (Generic) 5.0, section 10.6.1. Their rules are
 * those of DWARF 5, section 6.4.
 *
 * An unwinder looks up the table for a return address. The table specifies where the caller's registers are saved.
 * Registers have the DWARF numbers of the architecture's psABI.
 */
import { alignUp } from '../core/bits.js';
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
/** Addresses in the table have 8 bytes and are absolute, or relative to their own position: LSB Core, 10.5.1. */
const DW_EH_PE_absptr = 0;
const DW_EH_PE_sdata8 = 0x0c;
const DW_EH_PE_pcrel = 0x10;

/** Unit of offsets from the CFA, in bytes. */
const dataAlignmentFactor = -8;

/** Memory at an offset from a register, in bytes. */
export interface RegisterOffset {
  readonly register: number;
  readonly offset: number;
}

/** Builds the call frame instructions of a piece of code. A rule applies from the position of the last advance. */
export class CfiBuilder {
  readonly #writer = new ByteWriter();
  #position: number;

  /** @param start position of the first instruction of the code */
  constructor(start = 0) {
    this.#position = start;
  }

  /** Sets the position from which the following rules apply. */
  advanceTo(position: number): this {
    const distance = position - this.#position;
    this.#position = position;
    if (distance < 0x40) this.#writer.u8(DW_CFA_advance_loc | distance);
    else if (distance < 0x100) this.#writer.u8(DW_CFA_advance_loc1, distance);
    else this.#writer.u8(DW_CFA_advance_loc2).u16(distance);
    return this;
  }

  /** Defines the CFA, the caller's stack pointer before the call, as a register plus an offset. */
  defineCfa({ register, offset }: RegisterOffset): this {
    this.#writer.u8(DW_CFA_def_cfa).uleb128(register).uleb128(offset);
    return this;
  }

  /** The CFA is stored in memory. */
  cfaSavedAt(location: RegisterOffset): this {
    const expression = encodeAddress(location).u8(DW_OP_deref).toBytes();
    this.#writer.u8(DW_CFA_def_cfa_expression).uleb128(expression.length).bytes(expression);
    return this;
  }

  /** The caller's register is stored in memory. */
  registerSavedAt(register: number, location: RegisterOffset): this {
    const expression = encodeAddress(location).toBytes();
    this.#writer.u8(DW_CFA_expression).uleb128(register).uleb128(expression.length).bytes(expression);
    return this;
  }

  /** The caller's register is stored `offset` bytes below the CFA. */
  registerSavedBelowCfa(register: number, offset: number): this {
    this.#writer.u8(DW_CFA_offset | register).uleb128(-offset / dataAlignmentFactor);
    return this;
  }

  /** The register still has the caller's value. */
  registerUnchanged(register: number): this {
    this.#writer.u8(DW_CFA_same_value).uleb128(register);
    return this;
  }

  /** The caller's register is held in another one. */
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

/** Unwind information of a piece of code. */
export interface FrameDescription {
  /** Offset of the code and its length, in bytes. The table function specifies the base of the offset. */
  readonly start: number;
  readonly length: number;
  /** DWARF number of the return address. */
  readonly returnAddress: number;
  readonly cfi: Uint8Array;
}

/** Returns a table with absolute addresses; `start` is relative to the address `base`. */
export function ehFrame(frame: FrameDescription, base: bigint): Uint8Array {
  return encodeEhFrame(frame, DW_EH_PE_absptr, () => base);
}

/** Returns a position-independent table; `start` is relative to the start of the table. */
export function pcRelativeEhFrame(frame: FrameDescription): Uint8Array {
  return encodeEhFrame(frame, DW_EH_PE_pcrel | DW_EH_PE_sdata8, (position) => BigInt(-position));
}

/** @param baseAt returns the base of `start` for a field at a position in the table */
function encodeEhFrame(
  { start, length, returnAddress, cfi }: FrameDescription,
  encoding: number,
  baseAt: (position: number) => bigint,
): Uint8Array {
  const cie = encodeEntry(
    new ByteWriter()
      .u32(0) // marks a CIE
      .u8(1) // version
      .bytes(new TextEncoder().encode('zR\0'))
      .uleb128(1) // unit of positions in the code
      .sleb128(dataAlignmentFactor)
      .uleb128(returnAddress)
      .uleb128(1) // length of the data for `R`, the encoding of addresses
      .u8(encoding),
  );
  const fde = encodeEntry(
    new ByteWriter()
      .u32(cie.length + 4) // distance back to the CIE
      .u64(baseAt(cie.length + 8) + BigInt(start), length)
      .uleb128(0) // length of the data for `z`
      .bytes(cfi),
  );
  // A length of 0 ends the table.
  return new ByteWriter().bytes(cie).bytes(fde).u32(0).toBytes();
}

/** Prefixes an entry with its length and pads it to a multiple of 8 with DW_CFA_nop (0). */
function encodeEntry(content: ByteWriter): Uint8Array {
  const length = alignUp(4 + content.length, 8) - 4;
  return new ByteWriter().u32(length).bytes(content.padTo(length).toBytes()).toBytes();
}
