/**
 * Decodes the instructions of the table, nothing else: enough to show what a trampoline does. A byte that
 * begins none of them becomes `(unknown)`, one byte long, and decoding goes on behind it.
 */
import type { Instruction } from '../machine.js';
import { type Encoding, encodings } from './instructions.js';
import { gpr64, isRm, type OperandName, registersOf } from './operands.js';

interface Cursor {
  readonly view: DataView;
  at: number;
}

/** Registers and memory as opcode, ModRM, SIB and REX tell them. */
interface ModRm {
  readonly reg: number;
  /** The register's code, or the memory operand as text. */
  readonly rm: number | string;
  /** The displacement from the instruction's end, for RIP-relative operands. */
  readonly ripRelative: number | undefined;
}

export function disassemble(bytes: Uint8Array, address: bigint): Instruction[] {
  const result: Instruction[] = [];
  for (let at = 0; at < bytes.length; at += result.at(-1)!.bytes.length) {
    result.push(decode(bytes.subarray(at), address + BigInt(at)));
  }
  return result;
}

function decode(bytes: Uint8Array, address: bigint): Instruction {
  for (const encoding of encodings()) {
    const decoded = match(encoding, bytes, address);
    if (decoded !== undefined) return decoded;
  }
  return {
    address,
    bytes: bytes.subarray(0, 1),
    text: '(unknown)',
    refersTo: undefined,
    target: undefined,
    ends: false,
  };
}

function match(encoding: Encoding, bytes: Uint8Array, address: bigint): Instruction | undefined {
  const cursor: Cursor = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0 };
  try {
    if (encoding.prefix !== undefined && next(cursor) !== encoding.prefix) return undefined;
    const rex = cursor.view.getUint8(cursor.at) >> 4 === 4 ? next(cursor) & 15 : undefined;
    if (((rex ?? 0) & 8) !== (encoding.rexW ? 8 : 0)) return undefined;
    const { opcode, addsRegister } = encoding;
    const bits = (index: number) => (addsRegister && index === opcode.length - 1 ? 0xf8 : 0xff);
    if (!opcode.every((byte, index) => (next(cursor) & bits(index)) === byte)) return undefined;
    const modrm = readRegisters(encoding, cursor, rex ?? 0);
    if (typeof encoding.modrm === 'number' && (modrm!.reg & 7) !== encoding.modrm) return undefined;
    return describe({ encoding, cursor, modrm, rex, bytes, address });
  } catch (error) {
    if (error instanceof RangeError) return undefined; // the bytes end inside the instruction
    throw error;
  }
}

function describe(found: {
  encoding: Encoding;
  cursor: Cursor;
  modrm: ModRm | undefined;
  rex: number | undefined;
  bytes: Uint8Array;
  address: bigint;
}): Instruction | undefined {
  const { encoding, cursor, modrm, rex, bytes, address } = found;
  const { tail, operands, mnemonic } = encoding;
  const value = readTail(cursor, tail);
  const length = cursor.at + tail;
  const distance = modrm?.ripRelative;
  const refersTo =
    distance === undefined ? undefined : BigInt.asUintN(64, address + BigInt(length) + BigInt(distance));

  const target = operands.includes('rel32')
    ? BigInt.asUintN(64, address + BigInt(length) + BigInt(value))
    : undefined;

  const texts = operands.map((operand) => {
    if (operand.startsWith('imm')) return hex(value);
    if (target !== undefined) return hex(target);
    const code = isRm(operand) ? modrm!.rm : modrm!.reg;
    return typeof code === 'string' ? sized(code, operand, operands) : register(operand, code, rex);
  });
  if (texts.includes(undefined)) return undefined;
  return {
    address,
    bytes: bytes.subarray(0, length),
    text: `${mnemonic} ${texts.join(', ')}`.trim(),
    refersTo,
    target,
    ends: mnemonic === 'jmp' || mnemonic === 'ret',
  };
}

/** Memory as text, with its size where no register operand tells it. */
function sized(memory: string, operand: OperandName, operands: readonly OperandName[]): string {
  const told = operand === 'm' || operands.some((other) => !isRm(other) && registersOf[other] !== undefined);
  const segment = operand.startsWith('fs:') ? 'fs:' : '';
  return told ? `${segment}${memory}` : `${sizeNames[operand.replace(/^\D+/, '')]} ptr ${memory}`;
}

const sizeNames: Readonly<Record<string, string>> = {
  128: 'xmmword',
  64: 'qword',
  32: 'dword',
  16: 'word',
  8: 'byte',
};

function register(operand: OperandName, code: number, rex: number | undefined): string | undefined {
  // Without a REX prefix these codes are ah to bh, which no form of ours has.
  if (registersOf[operand]?.[4] === 'spl' && code >= 4 && rex === undefined) return undefined;
  return registersOf[operand]?.[code];
}

function readTail({ view, at }: Cursor, tail: Encoding['tail']): number | bigint {
  if (tail === 1) return view.getInt8(at);
  if (tail === 2) return view.getUint16(at, true);
  if (tail === 4) return view.getInt32(at, true);
  return tail === 8 ? view.getBigInt64(at, true) : 0;
}

function readRegisters({ addsRegister, modrm }: Encoding, cursor: Cursor, rex: number): ModRm | undefined {
  if (addsRegister) {
    const reg = (cursor.view.getUint8(cursor.at - 1) & 7) | ((rex & 1) << 3);
    return { reg, rm: reg, ripRelative: undefined };
  }
  return modrm === undefined ? undefined : readModRm(cursor, rex);
}

function readModRm(cursor: Cursor, rex: number): ModRm {
  const byte = next(cursor);
  const mod = byte >> 6;
  const reg = ((byte >> 3) & 7) | ((rex & 4) << 1);
  const low = byte & 7;
  const rm = low | ((rex & 1) << 3);
  if (mod === 3) return { reg, rm, ripRelative: undefined };
  const place = low === 4 ? readSib(cursor, { rex, mod }) : gpr64[rm]!;
  if (mod === 0 && low === 5) {
    const distance = cursor.view.getInt32(cursor.at, true);
    cursor.at += 4;
    return { reg, rm: `[rip${signed(distance)}]`, ripRelative: distance };
  }
  const displacement =
    mod === 0 ? 0 : mod === 1 ? cursor.view.getInt8(cursor.at) : cursor.view.getInt32(cursor.at, true);
  cursor.at += mod === 0 ? 0 : mod === 1 ? 1 : 4;
  return {
    reg,
    rm: `[${place}${displacement === 0 ? '' : signed(displacement)}]`,
    ripRelative: undefined,
  };
}

/** Base and index, as far as the assembler writes them: no memory without a base, no scale without an index. */
function readSib(cursor: Cursor, { rex, mod }: { rex: number; mod: number }): string {
  const byte = next(cursor);
  const base = (byte & 7) | ((rex & 1) << 3);
  const index = ((byte >> 3) & 7) | ((rex & 2) << 2);
  if (mod === 0 && (byte & 7) === 5) throw new RangeError('no base register');
  if (index !== 4) return `${gpr64[base]}+${gpr64[index]}*${1 << (byte >> 6)}`;
  if (byte !== 0x24) throw new RangeError('a longer form of another instruction');
  return gpr64[base]!;
}

function next(cursor: Cursor): number {
  return cursor.view.getUint8(cursor.at++);
}

const hex = (value: number | bigint): string =>
  value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
const signed = (value: number): string => (value < 0 ? hex(value) : `+${hex(value)}`);
