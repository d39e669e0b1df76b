/**
 * The supported instructions, one per line: the form in the notation of the Arm ARM (DDI 0487, chapters C6 and C7), and
 * its encoding as in the diagrams there, from bit 31 to bit 0. A field encodes the operand of the same name: `Rt` is
 * `<Xt>`. A form has at most one number and one label. The assembler and the disassembler use this table. The
 * disassembler prints the first form that matches, so an alias precedes the instruction that it is an alias of.
 */
import { lazy, memoize } from '../../../core/lazy.js';
import { distanceFields, type Field, immediateFields, pageFields, registerField } from './operand-fields.js';
import type { OperandName, OperandTypes } from './operands.js';

export const instructions = {
  'bti c': '1101010100 0 00 011 0010 0100 010 11111',
  'brk #<imm>': '11010100 001 imm16 000 00',
  'svc #<imm>': '11010100 000 imm16 000 01',
  ret: '1101011 0 0 10 11111 0000 0 0 11110 00000',
  'ret <Xn>': '1101011 0 0 10 11111 0000 0 0 Rn 00000',
  'br <Xn>': '1101011 0 0 00 11111 0000 0 0 Rn 00000',
  'blr <Xn>': '1101011 0 0 01 11111 0000 0 0 Rn 00000',
  'b <label>': '0 00101 imm26',
  'bl <label>': '1 00101 imm26',
  'b.<cond> <label>': '0101010 0 imm19 0 cond',
  'cbz <Xt>, <label>': '1 011010 0 imm19 Rt',
  'cbz <Wt>, <label>': '0 011010 0 imm19 Rt',
  'cbnz <Xt>, <label>': '1 011010 1 imm19 Rt',
  'cbnz <Wt>, <label>': '0 011010 1 imm19 Rt',
  'tbz <Wt>, #<bit>, <label>': '0 011011 0 b40 imm14 Rt',
  'tbnz <Wt>, #<bit>, <label>': '0 011011 1 b40 imm14 Rt',
  'adr <Xd>, <label>': '0 immlo 10000 immhi Rd',
  'adrp <Xd>, <page>': '1 immlo 10000 immhi Rd',

  'ldr <Xt>, <label>': '01 011 0 00 imm19 Rt',
  'ldr <Xt>, [<Xn|SP>, #<pimm>]': '11 111 0 01 01 imm12*8 Rn Rt',
  'ldr <Wt>, [<Xn|SP>, #<pimm>]': '10 111 0 01 01 imm12*4 Rn Rt',
  'ldrh <Wt>, [<Xn|SP>, #<pimm>]': '01 111 0 01 01 imm12*2 Rn Rt',
  'ldrb <Wt>, [<Xn|SP>, #<pimm>]': '00 111 0 01 01 imm12 Rn Rt',
  'str <Xt>, [<Xn|SP>, #<pimm>]': '11 111 0 01 00 imm12*8 Rn Rt',
  'str <Wt>, [<Xn|SP>, #<pimm>]': '10 111 0 01 00 imm12*4 Rn Rt',
  'strh <Wt>, [<Xn|SP>, #<pimm>]': '01 111 0 01 00 imm12*2 Rn Rt',
  'strb <Wt>, [<Xn|SP>, #<pimm>]': '00 111 0 01 00 imm12 Rn Rt',
  'ldr <Xt>, [<Xn|SP>], #<simm>': '11 111 0 00 01 0 imm9 01 Rn Rt',
  'str <Xt>, [<Xn|SP>], #<simm>': '11 111 0 00 00 0 imm9 01 Rn Rt',
  'str <Xt>, [<Xn|SP>, #<simm>]!': '11 111 0 00 00 0 imm9 11 Rn Rt',
  'ldrb <Wt>, [<Xn|SP>], #<simm>': '00 111 0 00 01 0 imm9 01 Rn Rt',
  'strb <Wt>, [<Xn|SP>], #<simm>': '00 111 0 00 00 0 imm9 01 Rn Rt',
  'strh <Wt>, [<Xn|SP>], #<simm>': '01 111 0 00 00 0 imm9 01 Rn Rt',
  'str <Wt>, [<Xn|SP>], #<simm>': '10 111 0 00 00 0 imm9 01 Rn Rt',
  'ldr <Xt>, [<Xn|SP>, <Xm>]': '11 111 0 00 01 1 Rm 011 0 10 Rn Rt',
  'ldr <Xt>, [<Xn|SP>, <Xm>, lsl #3]': '11 111 0 00 01 1 Rm 011 1 10 Rn Rt',
  'str <Xt>, [<Xn|SP>, <Xm>]': '11 111 0 00 00 1 Rm 011 0 10 Rn Rt',
  'str <Xt>, [<Xn|SP>, <Xm>, lsl #3]': '11 111 0 00 00 1 Rm 011 1 10 Rn Rt',
  'ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]': '10 101 0 010 1 imm7*8 Rt2 Rn Rt',
  'stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]': '10 101 0 010 0 imm7*8 Rt2 Rn Rt',
  'ldp <Xt1>, <Xt2>, [<Xn|SP>], #<simm>': '10 101 0 001 1 imm7*8 Rt2 Rn Rt',
  'stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]!': '10 101 0 011 0 imm7*8 Rt2 Rn Rt',
  'ldar <Xt>, [<Xn|SP>]': '11 001000 1 1 0 11111 1 11111 Rn Rt',
  'ldar <Wt>, [<Xn|SP>]': '10 001000 1 1 0 11111 1 11111 Rn Rt',
  'stlr <Wt>, [<Xn|SP>]': '10 001000 1 0 0 11111 1 11111 Rn Rt',
  'ldxr <Xt>, [<Xn|SP>]': '11 001000 0 1 0 11111 0 11111 Rn Rt',
  'stxr <Ws>, <Xt>, [<Xn|SP>]': '11 001000 0 0 0 Rs 0 11111 Rn Rt',
  'ldaxr <Wt>, [<Xn|SP>]': '10 001000 0 1 0 11111 1 11111 Rn Rt',
  'stxr <Ws>, <Wt>, [<Xn|SP>]': '10 001000 0 0 0 Rs 0 11111 Rn Rt',

  'ldr <Dt>, [<Xn|SP>, #<pimm>]': '11 111 1 01 01 imm12*8 Rn Rt',
  'ldp <Dt1>, <Dt2>, [<Xn|SP>, #<simm>]': '01 101 1 010 1 imm7*8 Rt2 Rn Rt',
  'stp <Dt1>, <Dt2>, [<Xn|SP>, #<simm>]': '01 101 1 010 0 imm7*8 Rt2 Rn Rt',
  'ldp <Qt1>, <Qt2>, [<Xn|SP>, #<simm>]': '10 101 1 010 1 imm7*16 Rt2 Rn Rt',
  'stp <Qt1>, <Qt2>, [<Xn|SP>, #<simm>]': '10 101 1 010 0 imm7*16 Rt2 Rn Rt',

  'fmov <Xd>, <Dn>': '1 0 0 11110 01 1 00 110 000000 Rn Rd',
  'mov <Xd>, #<imm>': '1 10 100101 00 imm16 Rd',
  'mov <Wd>, #<imm>': '0 10 100101 00 imm16 Rd',
  'mov <Xd>, #<negative>': '1 00 100101 00 ~imm16 Rd',
  'movk <Xd>, #<imm>, lsl #16': '1 11 100101 01 imm16 Rd',
  'movk <Xd>, #<imm>, lsl #32': '1 11 100101 10 imm16 Rd',
  'movk <Xd>, #<imm>, lsl #48': '1 11 100101 11 imm16 Rd',
  'mov <Xd>, <Xm>': '1 01 01010 00 0 Rm 000000 11111 Rd',
  'mov <Xd|SP>, sp': '1 00 100010 0 000000000000 11111 Rd',
  'mov sp, <Xn|SP>': '1 00 100010 0 000000000000 Rn 11111',
  'add <Xd|SP>, <Xn|SP>, #<imm>': '1 00 100010 0 imm12 Rn Rd',
  'add <Xd|SP>, <Xn|SP>, #<imm>, lsl #12': '1 00 100010 1 imm12 Rn Rd',
  'sub <Xd|SP>, <Xn|SP>, #<imm>': '1 10 100010 0 imm12 Rn Rd',
  'cmp <Xn|SP>, #<imm>': '1 11 100010 0 imm12 Rn 11111',
  'cmp <Wn|WSP>, #<imm>': '0 11 100010 0 imm12 Rn 11111',
  'cmn <Xn|SP>, #<imm>': '1 01 100010 0 imm12 Rn 11111',
  'subs <Xd>, <Xn|SP>, #<imm>': '1 11 100010 0 imm12 Rn Rd',
  'add <Xd>, <Xn>, <Xm>': '1 00 01011 00 0 Rm 000000 Rn Rd',
  'add <Xd>, <Xn>, <Xm>, lsl #<shift>': '1 00 01011 00 0 Rm imm6 Rn Rd',
  'neg <Xd>, <Xm>': '1 10 01011 00 0 Rm 000000 11111 Rd',
  'cmp <Xn>, <Xm>': '1 11 01011 00 0 Rm 000000 Rn 11111',
  'sub <Xd>, <Xn>, <Xm>': '1 10 01011 00 0 Rm 000000 Rn Rd',
  'sub sp, sp, <Xm>': '1 10 01011 00 1 Rm 011 000 11111 11111',
  'cmp sp, <Xm>': '1 11 01011 00 1 Rm 011 000 11111 11111',
  'tst <Xn>, #<mask>': '1 11 100100 N:immr:imms Rn 11111',
  'and <Xd|SP>, <Xn>, #<mask>': '1 00 100100 N:immr:imms Rn Rd',
  'and <Xd>, <Xn>, <Xm>': '1 00 01010 00 0 Rm 000000 Rn Rd',
  'eor <Xd>, <Xn>, <Xm>': '1 10 01010 00 0 Rm 000000 Rn Rd',
  'lsr <Xd>, <Xn>, #<shift>': '1 10 100110 1 immr 111111 Rn Rd',
  'ror <Xd>, <Xs>, #<shift>': '1 00 100111 1 0 Rs imms Rs Rd',
  'rbit <Xd>, <Xn>': '1 1 0 11010110 00000 0000 00 Rn Rd',
  'clz <Xd>, <Xn>': '1 1 0 11010110 00000 0001 00 Rn Rd',
  'mrs <Xt>, tpidr_el0': '1101010100 1 11 011 1101 0000 010 Rt',
  'mrs <Xt>, nzcv': '1101010100 1 11 011 0100 0010 000 Rt',
  'msr nzcv, <Xt>': '1101010100 0 11 011 0100 0010 000 Rt',
} as const;

export type Form = keyof typeof instructions;

/** Tuple of the operand types of a form. */
export type Operands<F extends string> = F extends `${string}<${infer Name}>${infer Rest}`
  ? Name extends OperandName
    ? [OperandTypes[Name], ...Operands<Rest>]
    : never
  : [];

/** The parsed encoding of a form. */
export interface Encoding {
  readonly form: Form;
  readonly operands: readonly Operand[];
  /** Value of the fixed bits, and their mask. */
  readonly fixed: number;
  readonly mask: number;
}

/** An operand, and its bits in the instruction. */
export interface Operand {
  readonly name: OperandName;
  readonly field: Field<never>;
  readonly slices: readonly Slice[];
}

/** `width` bits, from bit `valueBit` of a value, at bit `wordBit` of the instruction. */
interface Slice {
  readonly wordBit: number;
  readonly valueBit: number;
  readonly width: number;
}

/** Returns the bits of an operand at their positions in the instruction. */
export function insertBits({ slices }: Operand, bits: number): number {
  return slices.reduce(
    (word, { wordBit, valueBit, width }) => word | (((bits >>> valueBit) & (2 ** width - 1)) << wordBit),
    0,
  );
}

/** Returns the bits of an operand of an instruction. */
export function extractBits({ slices }: Operand, word: number): number {
  return slices.reduce(
    (bits, { wordBit, valueBit, width }) => bits | (((word >>> wordBit) & (2 ** width - 1)) << valueBit),
    0,
  );
}

/** Fields in two parts, and the bits of the value in each part. */
const splitFields: Readonly<
  Record<string, { readonly field: string; readonly valueBit: number; readonly width: number }>
> = {
  immlo: { field: 'immhi:immlo', valueBit: 0, width: 2 },
  immhi: { field: 'immhi:immlo', valueBit: 2, width: 19 },
};

const isBits = (token: string): boolean => /^[01]+$/.test(token);

/** Returns the bits of a field. Those of registers have 5. */
const fieldWidth = (name: string): number =>
  name === 'cond' ? 4 : ((immediateFields[name] ?? distanceFields[name])?.width ?? 5);

/** Returns the name of the field of an operand, if the operand determines it. */
const fieldNameOf = (operand: OperandName): string | undefined =>
  operand === 'cond' ? operand : /^[XWDQ]([a-z]2?)/.exec(operand)?.[1]?.replace(/^/, 'R');

function parse(form: Form): Encoding {
  const operandNames = [...form.matchAll(/<([^>]+)>/g)].map(([, name]) => name as OperandName);
  const slices = new Map<string, Slice[]>();
  let [fixed, mask, wordBit] = [0, 0, 32];
  for (const token of instructions[form].split(' ')) {
    const split = splitFields[token];
    const name = split?.field ?? token;
    const width = isBits(token) ? token.length : (split?.width ?? fieldWidth(name));
    wordBit -= width;
    if (!isBits(token)) {
      slices.set(name, [...(slices.get(name) ?? []), { wordBit, valueBit: split?.valueBit ?? 0, width }]);
    } else {
      fixed |= Number.parseInt(token, 2) << wordBit;
      mask |= (2 ** width - 1) << wordBit;
    }
  }
  if (wordBit !== 0) throw new Error(`${form} has ${32 - wordBit} bits`);
  const parsedOperands = operandNames.map((name): Operand => {
    const fields = name === 'label' ? distanceFields : name === 'page' ? pageFields : immediateFields;
    const fieldName = fieldNameOf(name) ?? [...slices.keys()].find((key) => Object.hasOwn(fields, key))!;
    return {
      name,
      field: (registerField(name) ?? fields[fieldName]) as Field<never>,
      slices: slices.get(fieldName)!,
    };
  });
  return { form, operands: parsedOperands, fixed: fixed >>> 0, mask: mask >>> 0 };
}

export const encodingOf = memoize(parse);

export const encodings = lazy(() => (Object.keys(instructions) as Form[]).map(encodingOf));
