/** Operands of A64 instructions, with the manual's names. Their types reject invalid operands at compile time. */
import type { Label } from '../../label-assembler.js';

export type { Label };

const registerNumbers = [
  ...(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14', '15'] as const),
  ...(['16', '17', '18', '19', '20', '21', '22', '23', '24', '25', '26', '27', '28', '29', '30'] as const),
] as const;
type RegisterNumber = (typeof registerNumbers)[number];

const registerNames = <Letter extends string>(letter: Letter) =>
  registerNumbers.map((number) => `${letter}${number}` as const);

/** Code 31 is the zero register or the stack pointer, depending on the instruction: Arm ARM, section C1.2.5. */
export const gpr64 = [...registerNames('x'), 'xzr'] as const;
const gpr64sp = [...registerNames('x'), 'sp'] as const;
const gpr32sp = [...registerNames('w'), 'wsp'] as const;
const gpr32 = [...registerNames('w'), 'wzr'] as const;
/** Vector registers: the lower 64 bits, or all 128. */
const fpr64 = [...registerNames('d'), 'd31'] as const;
const fpr128 = [...registerNames('q'), 'q31'] as const;

export type Gpr64 = `x${RegisterNumber}` | 'xzr';
export type Gpr64Sp = `x${RegisterNumber}` | 'sp';
export type Gpr32Sp = `w${RegisterNumber}` | 'wsp';
export type Gpr32 = `w${RegisterNumber}` | 'wzr';
export type Fpr64 = `d${RegisterNumber | '31'}`;
export type Fpr128 = `q${RegisterNumber | '31'}`;

/** Conditions, by their codes: Arm ARM, table C1-1. */
export const conditions = [
  ...(['eq', 'ne', 'cs', 'cc', 'mi', 'pl', 'vs', 'vc'] as const),
  ...(['hi', 'ls', 'ge', 'lt', 'gt', 'le'] as const),
] as const;
export type Condition = (typeof conditions)[number];

/** A label, or `addend` bytes after it. */
export type LabelRef = Label | { readonly to: Label; readonly addend?: number };

/** Operand types, by their names in the instruction table. */
export interface OperandTypes {
  Xd: Gpr64;
  Xn: Gpr64;
  Xm: Gpr64;
  Xs: Gpr64;
  Xt: Gpr64;
  Xt1: Gpr64;
  Xt2: Gpr64;
  'Xd|SP': Gpr64Sp;
  'Xn|SP': Gpr64Sp;
  Wd: Gpr32;
  'Wn|WSP': Gpr32Sp;
  Ws: Gpr32;
  Wt: Gpr32;
  Dn: Fpr64;
  Dt: Fpr64;
  Dt1: Fpr64;
  Dt2: Fpr64;
  Qt1: Fpr128;
  Qt2: Fpr128;
  cond: Condition;
  label: LabelRef;
  /** Start of a page of 4 KiB. The code must begin at one. */
  page: LabelRef;
  /** A number; a negative number. */
  imm: number;
  negative: number;
  /** A 64-bit pattern of ones: see `bitmaskImmediate` in operand-fields.ts. */
  mask: number;
  /** Offset of an address in bytes: unsigned, or signed. */
  pimm: number;
  simm: number;
  /** Distance of a shift in bits; number of a bit. */
  shift: number;
  bit: number;
}
export type OperandName = keyof OperandTypes;

const registersByPrefix: Readonly<Record<string, readonly string[]>> = {
  X: gpr64,
  W: gpr32,
  D: fpr64,
  Q: fpr128,
};

/** Returns the registers that are valid for an operand, in the order of their codes. */
export function operandRegisters(operand: OperandName): readonly string[] | undefined {
  if (operand.endsWith('|SP')) return gpr64sp;
  return operand.endsWith('|WSP') ? gpr32sp : registersByPrefix[operand[0]!];
}
