/**
 * Decodes the instructions of the table, nothing else: enough to show what a trampoline does. A word that is none of
 * them becomes `(unknown)`, and so do bytes at the end that are no whole word.
 */
import type { Instruction } from '../machine.js';
import { instructionSize } from './assembler.js';
import { pageSize } from './fields.js';
import { type Encoding, encodings, place, take } from './instructions.js';
import type { OperandName } from './operands.js';

export function disassemble(bytes: Uint8Array, address: bigint): Instruction[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const result: Instruction[] = [];
  for (let at = 0; at < bytes.length; at += instructionSize) {
    const own = bytes.subarray(at, at + instructionSize);
    const place = address + BigInt(at);
    const word = own.length === instructionSize ? view.getUint32(at, true) : undefined;
    result.push({ address: place, bytes: own, ...(word === undefined ? unknown : decode(word, place)) });
  }
  return result;
}

type Decoded = Omit<Instruction, 'address' | 'bytes'>;

const unknown: Decoded = { text: '(unknown)', refersTo: undefined, target: undefined, ends: false };

function decode(word: number, address: bigint): Decoded {
  for (const encoding of encodings()) {
    if ((word & encoding.mask) >>> 0 !== encoding.fixed) continue;
    const values = operandsOf(encoding, word);
    if (values !== undefined) return describe(encoding, values, address);
  }
  return unknown;
}

/** Nothing where an operand would be none that the form has. */
function operandsOf({ operands }: Encoding, word: number): (string | number)[] | undefined {
  const values = operands.map((operand) => {
    const bits = take(operand, word);
    const same = (place(operand, -1) & word) === place(operand, bits);
    return same ? (operand.field.decode(bits) as string | number | undefined) : undefined;
  });
  return values.includes(undefined) ? undefined : (values as (string | number)[]);
}

function describe(
  { form, operands }: Encoding,
  values: readonly (string | number)[],
  address: bigint,
): Decoded {
  const mnemonic = form.split(' ')[0]!;
  let place: bigint | undefined;
  let next = 0;
  const text = form.replaceAll(/<[^>]+>/g, () => {
    const { name } = operands[next]!;
    const value = values[next++]!;
    if (name !== 'label' && name !== 'page') return show(name, value, form);
    const from = name === 'page' ? address - (address % BigInt(pageSize)) : address;
    place = BigInt.asUintN(64, from + BigInt(value));
    return `0x${place.toString(16)}`;
  });
  const refers = ['ldr', 'adr', 'adrp'].includes(mnemonic);
  return {
    text: text.replace(/, #0\]$/, ']'), // nobody writes an offset of 0, unless the address is written back
    refersTo: refers ? place : undefined,
    target: refers ? undefined : place,
    ends: ['b', 'br', 'ret'].includes(mnemonic),
  };
}

/** Numbers that are added or moved are written in hexadecimal, those that count or that address in decimal. */
function show(name: OperandName, value: string | number, form: string): string {
  if (typeof value === 'string') return value;
  if (name !== 'imm' && name !== 'negative' && name !== 'mask') return String(value);
  return `0x${BigInt.asUintN(/^\w+ <W/.test(form) ? 32 : 64, BigInt(value)).toString(16)}`;
}
