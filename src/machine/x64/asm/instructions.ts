/**
 * The supported instructions, one per line: the form and its encoding in the notation of the Intel SDM, volume 2,
 * section 3.1.1. The assembler and the disassembler use this table.
 */
import { lazy, memoize } from '../../../core/lazy.js';
import { type OperandName, type OperandTypes, usesModRm } from './operands.js';

export const instructions = {
  endbr64: 'F3 0F 1E FA',
  int3: 'CC',
  ret: 'C3',
  'ret imm16': 'C2 iw',
  syscall: '0F 05',
  cld: 'FC',
  pushfq: '9C',
  popfq: '9D',
  lahf: '9F',
  sahf: '9E',
  'seto r/m8': '0F 90 /0',
  'jmp rel32': 'E9 cd',
  'jb rel32': '0F 82 cd',
  'jae rel32': '0F 83 cd',
  'je rel32': '0F 84 cd',
  'jne rel32': '0F 85 cd',
  'ja rel32': '0F 87 cd',
  'js rel32': '0F 88 cd',
  'jle rel32': '0F 8E cd',
  'jmp r/m64': 'FF /4',
  'call rel32': 'E8 cd',
  'call r/m64': 'FF /2',
  leave: 'C9',
  'push r/m64': 'FF /6',
  'push imm32': '68 id',
  'pop r/m64': '8F /0',
  'mov r64, r/m64': 'REX.W + 8B /r',
  'mov r32, r/m32': '8B /r',
  'mov r16, r/m16': '66 8B /r',
  'mov r8, r/m8': '8A /r',
  'mov r/m64, r64': 'REX.W + 89 /r',
  'mov r/m32, r32': '89 /r',
  'mov r/m16, r16': '66 89 /r',
  'mov r/m8, r8': '88 /r',
  'mov r64, fs:m64': '64 REX.W + 8B /r',
  'movq xmm, m64': 'F3 0F 7E /r',
  'movq m64, xmm': '66 0F D6 /r',
  'rep movsb': 'F3 A4',
  'lock cmpxchg m32, r32': 'F0 0F B1 /r',
  'mov r/m32, imm32': 'C7 /0 id',
  'mov r32, imm32': 'B8+rd id',
  'mov r64, imm64': 'REX.W + B8+rd io',
  'bswap r64': 'REX.W + 0F C8+rd',
  'movups xmm, xmm/m128': '0F 10 /r',
  'movups xmm/m128, xmm': '0F 11 /r',
  'lea r64, m': 'REX.W + 8D /r',
  'and r/m64, imm8': 'REX.W + 83 /4 ib',
  'add r/m8, imm8': '80 /0 ib',
  'add r/m64, imm8': 'REX.W + 83 /0 ib',
  'add r64, r/m64': 'REX.W + 03 /r',
  'add r/m64, r64': 'REX.W + 01 /r',
  'sub r64, r/m64': 'REX.W + 2B /r',
  'neg r/m64': 'REX.W + F7 /3',
  'test r/m64, r64': 'REX.W + 85 /r',
  'cmp r64, r/m64': 'REX.W + 3B /r',
  'cmp r/m64, imm32': 'REX.W + 81 /7 id',
  'cmp r/m32, imm32': '81 /7 id',
  'test r/m8, imm8': 'F6 /0 ib',
  'test r/m32, imm32': 'F7 /0 id',
  'test r/m32, r32': '85 /r',
  'and r32, r/m32': '23 /r',
  'and r/m32, imm8': '83 /4 ib',
  'add r/m32, imm8': '83 /0 ib',
  'sub r/m64, imm8': 'REX.W + 83 /5 ib',
  'bsf r32, r/m32': '0F BC /r',
  'lea r32, m': '8D /r',
  'movzx r32, r/m8': '0F B6 /r',
  'movzx r32, r/m16': '0F B7 /r',
  'mov r/m64, imm32': 'REX.W + C7 /0 id',
  'lock add m64, imm8': 'F0 REX.W + 83 /0 ib',
  'xrstor64 m': 'REX.W + 0F AE /5',
  'fxrstor64 m': 'REX.W + 0F AE /1',
  iretq: 'REX.W + CF',
} as const;

export type Form = keyof typeof instructions;

/** Tuple of the operand types of a form. */
export type Operands<F extends string> = F extends `${'lock' | 'rep'} ${infer Rest}`
  ? Operands<Rest>
  : F extends `${string} ${infer List}`
    ? OperandList<List>
    : [];
type OperandList<List extends string> = List extends `${infer First}, ${infer Rest}`
  ? [...OperandList<First>, ...OperandList<Rest>]
  : List extends OperandName
    ? [OperandTypes[List]]
    : never;

/** The parsed encoding of a form. */
export interface Encoding {
  readonly form: Form;
  readonly mnemonic: string;
  readonly operands: readonly OperandName[];
  /** A prefix byte (64, 66, F0 or F3), before REX. */
  readonly prefix: number | undefined;
  readonly rexW: boolean;
  readonly opcode: readonly number[];
  /** Index of the operand in ModRM.reg, and of the one in ModRM.rm or the opcode; -1 for none. */
  readonly regIndex: number;
  readonly rmIndex: number;
  /** `+rd`: the last byte of the opcode contains the register's code. */
  readonly registerInOpcode: boolean;
  /** `/r`: ModRM.reg is a register operand; `/0` to `/7`: it is that number. */
  readonly modrm: 'r' | number | undefined;
  /** Bytes of the immediate, or of the distance to a target, at the end. */
  readonly trailingSize: 0 | 1 | 2 | 4 | 8;
}

const trailingSizes: Readonly<Record<string, Encoding['trailingSize']>> = {
  ib: 1,
  iw: 2,
  id: 4,
  io: 8,
  cd: 4,
};

function parseForm(form: Form): Encoding {
  const space = form.indexOf(' ', /^(lock|rep) /.exec(form)?.[0].length ?? 0);
  const mnemonic = space < 0 ? form : form.slice(0, space);
  const operands = space < 0 ? [] : (form.slice(space + 1).split(', ') as OperandName[]);
  const tokens = instructions[form].replace('REX.W + ', '').split(' ');
  const prefix = ['64', '66', 'F0', 'F3'].includes(tokens[0]!)
    ? Number.parseInt(tokens.shift()!, 16)
    : undefined;
  const isByte = (token: string) => /^[0-9A-F]{2}(\+rd)?$/.test(token);
  const registerIndex = operands.findIndex((name) => /^(r\d+|xmm)$/.test(name));
  const registerInOpcode = tokens.some((token) => token.endsWith('+rd'));
  const modrmField = tokens.find((token) => token.startsWith('/'))?.slice(1);
  return {
    form,
    mnemonic,
    operands,
    prefix,
    rexW: instructions[form].includes('REX.W'),
    opcode: tokens.filter(isByte).map((token) => Number.parseInt(token, 16)),
    // REX.B extends a register in the opcode as it extends ModRM.rm: SDM table 3-1.
    regIndex: registerInOpcode ? -1 : registerIndex,
    rmIndex: registerInOpcode ? registerIndex : operands.findIndex(usesModRm),
    registerInOpcode,
    modrm: modrmField === undefined || modrmField === 'r' ? modrmField : Number(modrmField),
    trailingSize: trailingSizes[tokens.at(-1)!] ?? 0,
  };
}

export const encodingOf = memoize(parseForm);

export const encodings = lazy(() => (Object.keys(instructions) as Form[]).map(encodingOf));
