/** Operands of x86-64 instructions, with the manual's names. Their types reject invalid operands at compile time. */
import type { Label } from '../../label-assembler.js';

export type { Label };

export const gpr64 = [
  ...(['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi'] as const),
  ...(['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'] as const),
] as const;
export const gpr32 = [
  ...(['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'] as const),
  ...(['r8d', 'r9d', 'r10d', 'r11d', 'r12d', 'r13d', 'r14d', 'r15d'] as const),
] as const;
export const gpr16 = [
  ...(['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'] as const),
  ...(['r8w', 'r9w', 'r10w', 'r11w', 'r12w', 'r13w', 'r14w', 'r15w'] as const),
] as const;
/** With a REX prefix, so without `ah` to `bh`. */
export const gpr8 = [
  ...(['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil'] as const),
  ...(['r8b', 'r9b', 'r10b', 'r11b', 'r12b', 'r13b', 'r14b', 'r15b'] as const),
] as const;

export const xmm = [
  ...(['xmm0', 'xmm1', 'xmm2', 'xmm3', 'xmm4', 'xmm5', 'xmm6', 'xmm7'] as const),
  ...(['xmm8', 'xmm9', 'xmm10', 'xmm11', 'xmm12', 'xmm13', 'xmm14', 'xmm15'] as const),
] as const;

export type Gpr64 = (typeof gpr64)[number];
export type Gpr32 = (typeof gpr32)[number];
export type Gpr16 = (typeof gpr16)[number];
export type Gpr8 = (typeof gpr8)[number];
export type Xmm = (typeof xmm)[number];

/** Memory at base + index * scale + displacement, or at label + addend (RIP-relative). */
export type Memory =
  | { readonly base: Gpr64; readonly index?: Index; readonly displacement?: number; readonly addend?: never }
  | { readonly to: Label; readonly addend?: number; readonly index?: never; readonly displacement?: never };

/** The code of rsp means no index: SDM table 2-3. */
export interface Index {
  readonly register: Exclude<Gpr64, 'rsp'>;
  readonly scale: 1 | 2 | 4 | 8;
}

/** Operand types, by their names in the instruction table. */
export interface OperandTypes {
  r64: Gpr64;
  r32: Gpr32;
  r16: Gpr16;
  r8: Gpr8;
  'r/m64': Gpr64 | Memory;
  'r/m32': Gpr32 | Memory;
  'r/m16': Gpr16 | Memory;
  'r/m8': Gpr8 | Memory;
  m: Memory;
  m64: Memory;
  m32: Memory;
  /** In the segment of FS, the base of thread-local storage: psABI, section 3.4.6. */
  'fs:m64': Memory;
  xmm: Xmm;
  'xmm/m128': Xmm | Memory;
  imm8: number;
  /** Unsigned. */
  imm16: number;
  imm32: number;
  imm64: bigint;
  rel32: Label;
}
export type OperandName = keyof OperandTypes;

/** Returns whether ModRM.rm encodes an operand. */
export function usesModRm(operand: OperandName): boolean {
  return /^(fs:)?m/.test(operand) || operand.includes('/m');
}

export const operandRegisters: Readonly<Partial<Record<OperandName, readonly string[]>>> = {
  r64: gpr64,
  r32: gpr32,
  r16: gpr16,
  r8: gpr8,
  'r/m64': gpr64,
  'r/m32': gpr32,
  'r/m16': gpr16,
  'r/m8': gpr8,
  xmm,
  'xmm/m128': xmm,
};
