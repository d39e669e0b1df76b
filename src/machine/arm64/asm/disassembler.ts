/**
 * Decodes the instructions of the table and no others. Another word becomes `(unknown)`, and so does an incomplete word
 * at the end.
 */
import type { Instruction } from '../../machine.js';
import { instructionSize } from './assembler.js';
import { type Encoding, encodings, extractBits, insertBits } from './instructions.js';
import { adrpPageSize } from './operand-fields.js';
import type { OperandName } from './operands.js';

export function disassemble(bytes: Uint8Array, address: bigint): Instruction[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const result: Instruction[] = [];
  for (let offset = 0; offset < bytes.length; offset += instructionSize) {
    const instructionBytes = bytes.subarray(offset, offset + instructionSize);
    const instructionAddress = address + BigInt(offset);
    const word = instructionBytes.length === instructionSize ? view.getUint32(offset, true) : undefined;
    result.push({
      address: instructionAddress,
      bytes: instructionBytes,
      ...(word === undefined ? unknownInstruction : decode(word, instructionAddress)),
    });
  }
  return result;
}

type Decoded = Omit<Instruction, 'address' | 'bytes'>;

const unknownInstruction: Decoded = {
  text: '(unknown)',
  memoryAddress: undefined,
  target: undefined,
  noFallthrough: false,
};

function decode(word: number, address: bigint): Decoded {
  for (const encoding of encodings()) {
    if ((word & encoding.mask) >>> 0 !== encoding.fixed) continue;
    const values = operandValues(encoding, word);
    if (values !== undefined) return formatInstruction(encoding, values, address);
  }
  return unknownInstruction;
}

/** Returns undefined if an operand is not valid in this form. */
function operandValues({ operands }: Encoding, word: number): (string | number)[] | undefined {
  const values = operands.map((operand) => {
    const bits = extractBits(operand, word);
    const matches = (insertBits(operand, -1) & word) === insertBits(operand, bits);
    return matches ? (operand.field.decode(bits) as string | number | undefined) : undefined;
  });
  return values.includes(undefined) ? undefined : (values as (string | number)[]);
}

function formatInstruction(
  { form, operands }: Encoding,
  values: readonly (string | number)[],
  address: bigint,
): Decoded {
  const mnemonic = form.split(' ')[0]!;
  let labelAddress: bigint | undefined;
  let operandIndex = 0;
  const text = form.replaceAll(/<[^>]+>/g, () => {
    const { name } = operands[operandIndex]!;
    const value = values[operandIndex++]!;
    if (name !== 'label' && name !== 'page') return formatOperand(name, value, form);
    const base = name === 'page' ? address - (address % BigInt(adrpPageSize)) : address;
    labelAddress = BigInt.asUintN(64, base + BigInt(value));
    return `0x${labelAddress.toString(16)}`;
  });
  const isDataReference = ['ldr', 'adr', 'adrp'].includes(mnemonic);
  return {
    text: text.replace(/, #0\]$/, ']'), // an offset of 0 is not printed, except with writeback
    memoryAddress: isDataReference ? labelAddress : undefined,
    target: isDataReference ? undefined : labelAddress,
    noFallthrough: ['b', 'br', 'ret'].includes(mnemonic),
  };
}

/** Immediates of moves and arithmetic are hexadecimal; shifts, bit numbers and address offsets are decimal. */
function formatOperand(name: OperandName, value: string | number, form: string): string {
  if (typeof value === 'string') return value;
  if (name !== 'imm' && name !== 'negative' && name !== 'mask') return String(value);
  return `0x${BigInt.asUintN(/^\w+ <W/.test(form) ? 32 : 64, BigInt(value)).toString(16)}`;
}
