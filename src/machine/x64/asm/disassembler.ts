/**
 * Decodes the instructions of the table and no others. A byte that begins none of them becomes `(unknown)`, one byte
 * long, and decoding continues after it.
 */
import type { Instruction } from '../../machine.js';
import { type Encoding, encodings } from './instructions.js';
import { gpr64, type OperandName, operandRegisters, usesModRm } from './operands.js';

interface Cursor {
  readonly view: DataView;
  offset: number;
}

/** Operands that opcode, ModRM, SIB and REX encode. */
interface ModRm {
  readonly reg: number;
  /** Code of the register, or text of the memory operand. */
  readonly rm: number | string;
  /** Displacement from the end of the instruction, if the operand is RIP-relative. */
  readonly ripRelative: number | undefined;
}

export function disassemble(bytes: Uint8Array, address: bigint): Instruction[] {
  const result: Instruction[] = [];
  for (let offset = 0; offset < bytes.length; offset += result.at(-1)!.bytes.length) {
    result.push(decode(bytes.subarray(offset), address + BigInt(offset)));
  }
  return result;
}

function decode(bytes: Uint8Array, address: bigint): Instruction {
  for (const encoding of encodings()) {
    const decoded = decodeAs(encoding, bytes, address);
    if (decoded !== undefined) return decoded;
  }
  return {
    address,
    bytes: bytes.subarray(0, 1),
    text: '(unknown)',
    memoryAddress: undefined,
    target: undefined,
    noFallthrough: false,
  };
}

function decodeAs(encoding: Encoding, bytes: Uint8Array, address: bigint): Instruction | undefined {
  const cursor: Cursor = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  try {
    if (encoding.prefix !== undefined && readByte(cursor) !== encoding.prefix) return undefined;
    const rex = cursor.view.getUint8(cursor.offset) >> 4 === 4 ? readByte(cursor) & 15 : undefined;
    if (((rex ?? 0) & 8) !== (encoding.rexW ? 8 : 0)) return undefined;
    const { opcode, registerInOpcode } = encoding;
    const opcodeMask = (index: number) => (registerInOpcode && index === opcode.length - 1 ? 0xf8 : 0xff);
    if (!opcode.every((byte, index) => (readByte(cursor) & opcodeMask(index)) === byte)) return undefined;
    const modrm = readRegisters(encoding, cursor, rex ?? 0);
    if (typeof encoding.modrm === 'number' && (modrm!.reg & 7) !== encoding.modrm) return undefined;
    return formatInstruction({ encoding, cursor, modrm, rex, bytes, address });
  } catch (error) {
    if (error instanceof RangeError) return undefined; // truncated instruction
    throw error;
  }
}

function formatInstruction(decoded: {
  encoding: Encoding;
  cursor: Cursor;
  modrm: ModRm | undefined;
  rex: number | undefined;
  bytes: Uint8Array;
  address: bigint;
}): Instruction | undefined {
  const { encoding, cursor, modrm, rex, bytes, address } = decoded;
  const { trailingSize, operands, mnemonic } = encoding;
  const value = readTrailing(cursor, trailingSize);
  const length = cursor.offset + trailingSize;
  const distance = modrm?.ripRelative;
  const memoryAddress =
    distance === undefined ? undefined : BigInt.asUintN(64, address + BigInt(length) + BigInt(distance));

  const target = operands.includes('rel32')
    ? BigInt.asUintN(64, address + BigInt(length) + BigInt(value))
    : undefined;

  const texts = operands.map((operand) => {
    if (operand.startsWith('imm')) return hex(value);
    if (target !== undefined) return hex(target);
    const code = usesModRm(operand) ? modrm!.rm : modrm!.reg;
    return typeof code === 'string' ? withSize(code, operand, operands) : registerText(operand, code, rex);
  });
  if (texts.includes(undefined)) return undefined;
  return {
    address,
    bytes: bytes.subarray(0, length),
    text: `${mnemonic} ${texts.join(', ')}`.trim(),
    memoryAddress,
    target,
    noFallthrough: mnemonic === 'jmp' || mnemonic === 'ret',
  };
}

/** Returns a memory operand as text, with its size unless a register operand implies it. */
function withSize(memory: string, operand: OperandName, operands: readonly OperandName[]): string {
  const sizeIsKnown =
    operand === 'm' ||
    operands.some((otherOperand) => !usesModRm(otherOperand) && operandRegisters[otherOperand] !== undefined);
  const segment = operand.startsWith('fs:') ? 'fs:' : '';
  return sizeIsKnown ? `${segment}${memory}` : `${sizeNames[operand.replace(/^\D+/, '')]} ptr ${memory}`;
}

const sizeNames: Readonly<Record<string, string>> = {
  128: 'xmmword',
  64: 'qword',
  32: 'dword',
  16: 'word',
  8: 'byte',
};

function registerText(operand: OperandName, code: number, rex: number | undefined): string | undefined {
  // Without a REX prefix these codes mean ah to bh, which no form of the table has.
  if (operandRegisters[operand]?.[4] === 'spl' && code >= 4 && rex === undefined) return undefined;
  return operandRegisters[operand]?.[code];
}

function readTrailing({ view, offset }: Cursor, size: Encoding['trailingSize']): number | bigint {
  if (size === 1) return view.getInt8(offset);
  if (size === 2) return view.getUint16(offset, true);
  if (size === 4) return view.getInt32(offset, true);
  return size === 8 ? view.getBigInt64(offset, true) : 0;
}

function readRegisters(
  { registerInOpcode, modrm }: Encoding,
  cursor: Cursor,
  rex: number,
): ModRm | undefined {
  if (registerInOpcode) {
    const reg = (cursor.view.getUint8(cursor.offset - 1) & 7) | ((rex & 1) << 3);
    return { reg, rm: reg, ripRelative: undefined };
  }
  return modrm === undefined ? undefined : readModRm(cursor, rex);
}

function readModRm(cursor: Cursor, rex: number): ModRm {
  const byte = readByte(cursor);
  const mod = byte >> 6;
  const reg = ((byte >> 3) & 7) | ((rex & 4) << 1);
  const rmBits = byte & 7;
  const rm = rmBits | ((rex & 1) << 3);
  if (mod === 3) return { reg, rm, ripRelative: undefined };
  const baseText = rmBits === 4 ? readSib(cursor, { rex, mod }) : gpr64[rm]!;
  if (mod === 0 && rmBits === 5) {
    const distance = cursor.view.getInt32(cursor.offset, true);
    cursor.offset += 4;
    return { reg, rm: `[rip${signedHex(distance)}]`, ripRelative: distance };
  }
  const displacement =
    mod === 0
      ? 0
      : mod === 1
        ? cursor.view.getInt8(cursor.offset)
        : cursor.view.getInt32(cursor.offset, true);
  cursor.offset += mod === 0 ? 0 : mod === 1 ? 1 : 4;
  return {
    reg,
    rm: `[${baseText}${displacement === 0 ? '' : signedHex(displacement)}]`,
    ripRelative: undefined,
  };
}

/** Reads a SIB byte as the assembler writes it: with a base, and with scale 1 unless there is an index. */
function readSib(cursor: Cursor, { rex, mod }: { rex: number; mod: number }): string {
  const byte = readByte(cursor);
  const base = (byte & 7) | ((rex & 1) << 3);
  const index = ((byte >> 3) & 7) | ((rex & 2) << 2);
  if (mod === 0 && (byte & 7) === 5) throw new RangeError('no base register');
  if (index !== 4) return `${gpr64[base]}+${gpr64[index]}*${1 << (byte >> 6)}`;
  if (byte !== 0x24) throw new RangeError('redundant SIB byte');
  return gpr64[base]!;
}

function readByte(cursor: Cursor): number {
  return cursor.view.getUint8(cursor.offset++);
}

const hex = (value: number | bigint): string =>
  value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
const signedHex = (value: number): string => (value < 0 ? hex(value) : `+${hex(value)}`);
