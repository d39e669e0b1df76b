/** Generates random x86-64 code from the table of instructions. */
import { Assembler } from '#src/machine/x64/asm/assembler.js';
import { encodingOf, encodings, type Form, type Operands } from '#src/machine/x64/asm/instructions.js';
import {
  gpr64,
  type Index,
  type Label,
  type Memory,
  type OperandName,
  operandRegisters,
} from '#src/machine/x64/asm/operands.js';
import type { Random } from './random.js';

const forms = encodings().map(({ form }) => form);

/** An instruction and its expected text, which depends on the position of its label. */
export interface Written {
  readonly at: number;
  readonly length: number;
  readonly text: (distance: number) => string;
  /** Returns the address of the label operand. */
  readonly target: (() => number) | undefined;
  /** Whether that is the address of a memory operand, not the target of a jump. */
  readonly refers: boolean;
}

/** Assembles instructions with random operands. */
export function randomCode(random: Random, count: number): { code: Uint8Array; written: Written[] } {
  const asm = new Assembler();
  const positions: (number | undefined)[] = [];
  const labels = Array.from({ length: 64 }, (_, index) => {
    // Half of the labels are far away, like those of data, and the others inside the code.
    const far = index % 2 === 0;
    const position = far ? random.integer({ from: -(2 ** 30), to: 2 ** 30 }) : undefined;
    positions.push(position);
    return asm.label(position);
  });
  const written: Written[] = [];
  for (let index = 0; index < count; index++) {
    const inside = 2 * Math.floor((index * 32) / count) + 1;
    if (positions[inside] === undefined) {
      positions[inside] = asm.position;
      asm.bind(labels[inside]!);
    }
    const form = random.pick(forms);
    const { mnemonic, operands } = encodingOf(form);
    let target: Written['target'];
    const operandValues = operands.map((name) => {
      const value = randomOperand(random, name);
      if (value !== 'label') return value;
      const label = random.integer({ to: labels.length - 1 });
      if (name === 'rel32') {
        target = () => positions[label]!;
        return labels[label]!;
      }
      const addend = random.flip() ? undefined : random.integer({ from: -(2 ** 20), to: 2 ** 20 });
      target = () => positions[label]! + (addend ?? 0);
      return addend === undefined ? { to: labels[label]! } : { to: labels[label]!, addend };
    });
    const at = asm.position;
    asm.emit(form, ...(operandValues as Operands<Form>));
    const end = asm.position;
    const text = (distance: number) => {
      const shown = operandValues.map((value, place) => show({ value, distance, end, place, operands }));
      return `${mnemonic} ${shown.join(', ')}`.trim();
    };
    written.push({ at, length: end - at, text, target, refers: !operands.includes('rel32') });
  }
  return { code: asm.finish(), written };
}

function randomOperand(random: Random, name: OperandName): string | number | bigint | Memory {
  if (name === 'imm8') return random.pick([0, 1, -1, 127, -128, random.integer({ from: -128, to: 127 })]);
  if (name === 'imm16') return random.pick([0, 1, 2 ** 15, 2 ** 16 - 1, random.u32() & 0xffff]);
  if (name === 'imm64') {
    return random.pick([0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), BigInt.asIntN(64, random.word())]);
  }
  if (name === 'imm32') return random.pick([0, -1, 128, 2 ** 31 - 1, -(2 ** 31), random.u32() | 0]);
  if (name === 'rel32') return 'label';
  const isMemory = /^(fs:)?m/.test(name) || (name.includes('/m') && random.flip());
  if (!isMemory) return random.pick(operandRegisters[name]!);
  if (random.flip()) return 'label';
  const base = random.pick(gpr64);
  const near = random.integer({ from: -128, to: 127 });
  const edges = [0, 127, -128, 128, -129, 2 ** 31 - 1, -(2 ** 31)];
  const displacement = random.pick([undefined, near, random.u32() | 0, random.pick(edges)]);
  const index = random.flip() ? randomIndex(random) : undefined;
  return { base, ...(index && { index }), ...(displacement !== undefined && { displacement }) };
}

function randomIndex(random: Random): Index {
  const register = random.pick(gpr64.filter((name) => name !== 'rsp'));
  return { register, scale: random.pick([1, 2, 4, 8] as const) };
}

/** Formats an operand in the notation of the disassemblers. */
function show(operand: {
  value: string | number | bigint | Memory | Label;
  distance: number;
  end: number;
  place: number;
  operands: readonly OperandName[];
}): string {
  const { value, distance, end, place, operands } = operand;
  const number = (n: number | bigint) => (n < 0 ? `-0x${(-n).toString(16)}` : `0x${n.toString(16)}`);
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return number(value);
  if ('label' in value) return `0x${BigInt.asUintN(64, BigInt(end + distance)).toString(16)}`;
  const far = 'to' in value ? distance : (value.displacement ?? 0);
  const offset = far === 0 && 'base' in value ? '' : `${far < 0 ? '' : '+'}${number(far)}`;
  const sizeIsImplied = operands[place] === 'm' || operands.some((name) => /^(r\d|xmm$)/.test(name));
  const bits = Number(operands[place]!.replace(/^\D+/, ''));
  const size = sizeIsImplied
    ? ''
    : `${{ 128: 'xmmword', 64: 'qword', 32: 'dword', 16: 'word', 8: 'byte' }[bits]} ptr `;
  const segment = operands[place]!.startsWith('fs:') ? 'fs:' : '';
  return `${size}${segment}[${'to' in value ? 'rip' : `${value.base}${showIndex(value.index)}`}${offset}]`;
}

const showIndex = (index: Index | undefined): string =>
  index === undefined ? '' : `+${index.register}*${index.scale}`;

/** Returns bytes that often begin an instruction of the table: prefixes and opcodes, then random bytes. */
export function likelyBytes(random: Random): Uint8Array {
  const { prefix, opcode } = encodingOf(random.pick(forms));
  const front = random.flip() && prefix !== undefined ? [prefix] : [];
  const rex = random.flip() ? [0x40 | random.integer({ to: 15 })] : [];
  // Often a SIB byte, and often the one without an index, which REX.X turns into an index.
  const sib = random.flip() ? 0x24 : random.u32() & 0xff;
  const operand = random.flip() ? random.bytes(6) : [(random.u32() & 0xf8) | 4, sib, ...random.bytes(8)];
  return Uint8Array.of(...front, ...rex, ...opcode, ...operand).slice(0, random.integer({ from: 1, to: 15 }));
}
