/** Generates random A64 code from the table of instructions. */
import { Assembler } from '#src/machine/arm64/asm/assembler.js';
import {
  type Encoding,
  encodings,
  type Form,
  insertBits,
  type Operand,
  type Operands,
} from '#src/machine/arm64/asm/instructions.js';
import type { Label } from '#src/machine/arm64/asm/operands.js';
import type { Random } from './random.js';

const all = encodings();

/** An instruction and its expected text. */
export interface Written {
  readonly at: number;
  readonly text: string;
  /** Address of the label operand. */
  readonly target: number | undefined;
  /** Whether an earlier form of the table is an alias of this instruction, which disassemblers print instead. */
  readonly hasAlias: boolean;
}

/** Assembles instructions with random operands. */
export function randomCode(random: Random, count: number): { code: Uint8Array; written: Written[] } {
  const asm = new Assembler();
  const written = Array.from({ length: count }, (): Written => {
    const encoding = random.pick(all);
    const at = asm.position;
    let target: number | undefined;
    const operandValues = encoding.operands.map((operand) => {
      if (operand.name !== 'label' && operand.name !== 'page') return randomValue(random, operand);
      const from = operand.name === 'page' ? at - (at % 4096) : at;
      target = from + (randomValue(random, operand) as number);
      return reference(asm, random, target);
    });
    asm.emit(encoding.form, ...(operandValues as Operands<Form>));
    const shown = operandValues.map((value) =>
      typeof value === 'object' ? hex(BigInt.asUintN(64, BigInt(target!))) : value,
    );
    return { at, target, text: show(encoding, shown), hasAlias: hasAlias(encoding, shown) };
  });
  return { code: asm.finish(), written };
}

/** Returns a label at the target, or at another position with an addend. */
function reference(asm: Assembler, random: Random, target: number): Label | { to: Label; addend: number } {
  if (random.flip()) return asm.label(target);
  const addend = random.integer({ from: -(2 ** 20), to: 2 ** 20 });
  return { to: asm.label(target - addend), addend };
}

/** Returns a random value of an operand, often one of its extremes. */
function randomValue(random: Random, { field }: Operand): string | number {
  for (;;) {
    const last = 2 ** field.width - 1;
    const bits = random.pick([0, 1, last >> 1, (last >> 1) + 1, last, random.integer({ to: last })]);
    const value = field.decode(bits);
    if (value !== undefined) return value;
  }
}

function show({ form, operands }: Encoding, values: readonly (string | number)[]): string {
  let next = 0;
  const text = form.replaceAll(/<[^>]+>/g, () => {
    const { name } = operands[next]!;
    const value = values[next++]!;
    const inHex = ['imm', 'negative', 'mask'].includes(name);
    return inHex ? hex(BigInt.asUintN(form.includes(' <W') ? 32 : 64, BigInt(value))) : String(value);
  });
  return text.replace(/, #0\]$/, ']');
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

function hasAlias(encoding: Encoding, values: readonly (string | number)[]): boolean {
  const word = encoding.operands.reduce((bits, operand, index) => {
    const value = operand.field.encode(values[index] as never);
    return value === undefined ? bits : bits | insertBits(operand, value);
  }, encoding.fixed);
  return all.find(({ fixed, mask }) => (word & mask) >>> 0 === fixed) !== encoding;
}

/** Returns a word that often is an instruction of the table: the fixed bits of one, and random other bits. */
export function likelyWord(random: Random): number {
  const { fixed, mask } = random.pick(all);
  return (fixed | (random.u32() & ~mask)) >>> 0;
}
