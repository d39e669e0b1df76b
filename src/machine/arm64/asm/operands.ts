/** Operands of A64 instructions. Names are the manual's; their types keep a bad operand from being written. */
import type { Label } from '../../label-assembler.js';

export type { Label };

const registerNumbers = [
  ...(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14', '15'] as const),
  ...(['16', '17', '18', '19', '20', '21', '22', '23', '24', '25', '26', '27', '28', '29', '30'] as const),
] as const;
type RegisterNumber = (typeof registerNumbers)[number];

const registerNames = <Letter extends string>(letter: Letter) =>
  registerNumbers.map((number) => `${letter}${number}` as const);

/** The code 31 is the zero register or the stack pointer, as the instruction says: Arm ARM, section C1.2.5. */
export const gpr64 = [...registerNames('x'), 'xzr'] as const;
export const gpr64sp = [...registerNames('x'), 'sp'] as const;
export const gpr32sp = [...registerNames('w'), 'wsp'] as const;
export const gpr32 = [...registerNames('w'), 'wzr'] as const;
/** The vector registers, by how many of their bits are meant. */
export const fpr64 = [...registerNames('d'), 'd31'] as const;
export const fpr128 = [...registerNames('q'), 'q31'] as const;

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

/** Where a distance leads: to a label, or so many bytes behind it. */
export type LabelRef = Label | { readonly to: Label; readonly addend?: number };

/** The operand types, by the names that the instruction table uses for them. */
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
  /** The start of a page of 4 KiB, in code that begins at one. */
  page: LabelRef;
  /** A number; one that is less than 0. */
  imm: number;
  negative: number;
  /** A number of 64 bits that is a pattern of ones: see `bitmask` in fields.ts. */
  mask: number;
  /** From where an address counts, in bytes: forwards only, or both ways. */
  pimm: number;
  simm: number;
  /** How far something is shifted, or the number of a bit. */
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

/** The registers that an operand may be, in the order of their codes. */
export function operandRegisters(operand: OperandName): readonly string[] | undefined {
  if (operand.endsWith('|SP')) return gpr64sp;
  return operand.endsWith('|WSP') ? gpr32sp : registersByPrefix[operand[0]!];
}
