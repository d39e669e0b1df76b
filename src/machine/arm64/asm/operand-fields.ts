/** Fields of instructions: conversions between operands and bits. */
import { conditions, type OperandName, operandRegisters } from './operands.js';

export interface Field<Value = number> {
  /** Number of bits. */
  readonly width: number;
  /** Returns undefined for a value that the field cannot encode. */
  encode(value: Value): number | undefined;
  /** Returns undefined for bits that do not encode a value of this field. */
  decode(bits: number): Value | undefined;
}

/** Returns the field of a register or condition operand. Its code is the index of the name. */
export function registerField(operand: OperandName): Field<string> | undefined {
  const names: readonly string[] | undefined = operand === 'cond' ? conditions : operandRegisters(operand);
  if (names === undefined) return undefined;
  return {
    width: operand === 'cond' ? 4 : 5,
    encode: (name) => (names.includes(name) ? names.indexOf(name) : undefined),
    decode: (bits) => names[bits],
  };
}

const isInRange = (value: number, start: number, end: number): boolean =>
  Number.isInteger(value) && value >= start && value < end;

function unsigned(width: number, scale = 1): Field {
  return {
    width,
    encode: (value) => (isInRange(value / scale, 0, 2 ** width) ? value / scale : undefined),
    decode: (bits) => bits * scale,
  };
}

function signed(width: number, scale = 1): Field {
  const half = 2 ** (width - 1);
  return {
    width,
    encode: (value) => (isInRange(value / scale, -half, half) ? (value / scale) & (2 * half - 1) : undefined),
    decode: (bits) => (bits < half ? bits : bits - 2 * half) * scale,
  };
}

/** MOVN inverts its immediate. */
const invertedImmediate: Field = {
  width: 16,
  encode: (value) => (isInRange(-1 - value, 0, 2 ** 16) ? -1 - value : undefined),
  decode: (bits) => -1 - bits,
};

/**
 * Immediates of logical instructions are patterns: an element with one run of ones, rotated and repeated to 64 bits.
 * Only elements of 64 bits are supported: N is 1, `imms` the number of ones minus one, and `immr` the rotation to the
 * right. Arm ARM, `DecodeBitMasks`.
 */
const bitmaskImmediate: Field = {
  width: 13,
  encode(value) {
    if (!Number.isSafeInteger(value)) return undefined;
    const bits = BigInt.asUintN(64, BigInt(value)).toString(2).padStart(64, '0');
    const ones = bits.replaceAll('0', '').length;
    if (ones === 0 || ones === 64) return undefined;
    const rotation = [...bits].findIndex((_, amount) => rotatedOnes(ones, amount) === bits);
    return rotation < 0 ? undefined : (1 << 12) | (rotation << 6) | (ones - 1);
  },
  decode(bits) {
    const ones = (bits & 63) + 1;
    if (bits >> 12 === 0 || ones === 64) return undefined;
    const value = Number(BigInt.asIntN(64, BigInt(`0b${rotatedOnes(ones, (bits >> 6) & 63)}`)));
    return Number.isSafeInteger(value) ? value : undefined;
  },
};

/** Returns the 64 binary digits of a run of ones, rotated to the right by `amount` bits. */
function rotatedOnes(ones: number, amount: number): string {
  const bits = '1'.repeat(ones).padStart(64, '0');
  return bits.slice(64 - amount) + bits.slice(0, 64 - amount);
}

/** Immediates by their names in the instruction table, which include a unit if it is not 1. */
export const immediateFields: Readonly<Record<string, Field>> = {
  imm12: unsigned(12),
  'imm12*2': unsigned(12, 2),
  'imm12*4': unsigned(12, 4),
  'imm12*8': unsigned(12, 8),
  imm9: signed(9),
  'imm7*8': signed(7, 8),
  'imm7*16': signed(7, 16),
  imm16: unsigned(16),
  '~imm16': invertedImmediate,
  imm6: unsigned(6),
  immr: unsigned(6),
  imms: unsigned(6),
  'N:immr:imms': bitmaskImmediate,
  b40: unsigned(5),
};

/** Distances from an instruction to a label, in bytes. */
export const distanceFields: Readonly<Record<string, Field>> = {
  imm26: signed(26, 4),
  imm19: signed(19, 4),
  imm14: signed(14, 4),
  'immhi:immlo': signed(21),
};

/**
 * Unit of ADRP: pages of 4 KiB, relative to the page of the instruction. Independent of the page size of the system.
 */
export const adrpPageSize = 4096;
export const pageFields: Readonly<Record<string, Field>> = { 'immhi:immlo': signed(21, adrpPageSize) };
