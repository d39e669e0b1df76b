/** Places: where in a call record a value stands, and in which form. Found once for each signature. */
import { type CType, type Signature, type StructType, sizeOf, type ValueType } from '../machine/c-types.js';
import { callRecord, nativeCall, state } from '../machine/glue-layout.js';
import type { ArgLocation, DirectLocation, RegisterPiece, ResultLocation } from '../machine/index.js';

/** The forms of values. Numbers, so that a switch over them becomes a table of jumps. */
export const formats = {
  i8: 0,
  u8: 1,
  i16: 2,
  u16: 3,
  i32: 4,
  u32: 5,
  bool: 6,
  f32: 7,
  f64: 8,
  /** A pointer as a JavaScript number. */
  pointerAsNumber: 9,
  i64: 10,
  u64: 11,
  pointer: 12,
  string: 13,
  struct: 14,
} as const;

export interface ValueLocation {
  readonly format: number;
  /** In bytes from the start of the state. Of a structure in registers: nowhere. */
  readonly byteOffset: number;
  /** Whether there is the address of a structure that the caller has in memory, not the structure. */
  readonly indirect: boolean;
  /** Of structures. */
  readonly struct: StructType | undefined;
  /** Of structures in registers. */
  readonly parts: readonly StructPart[] | undefined;
  /** What error messages call it. */
  readonly subject: string;
}

/** A part of a structure: where it stands in the state, where in the structure, and how long it is. */
export interface StructPart {
  readonly byteOffset: number;
  readonly offset: number;
  readonly size: number;
}

const recordOffset = state.call + nativeCall.record;
export const resultsOffset = recordOffset + callRecord.results;
export const stackArgsOffset = recordOffset + callRecord.stack;

const argumentBankOffsets = {
  general: recordOffset + callRecord.general,
  vector: recordOffset + callRecord.vector,
};
const resultBankOffsets = { general: resultsOffset, vector: recordOffset + callRecord.vectorResults };

function argumentLocation(type: ValueType, location: ArgLocation, subject: string): ValueLocation {
  if (location.in === 'stack') return memoryLocation(type, stackArgsOffset + location.offset, subject);
  if (location.in === 'registers')
    return registerLocation(type, location.pieces, argumentBankOffsets, subject);
  return { ...memoryLocation(type, pointerOffset(location.address), subject), indirect: true };
}

/** Where an address that is passed stands. */
export function pointerOffset(location: DirectLocation): number {
  if (location.in === 'stack') return stackArgsOffset + location.offset;
  const { bank, index } = location.pieces[0]!;
  return argumentBankOffsets[bank] + 8 * index;
}

/** Where the address for a result in memory stands; nothing when the result is in registers. */
export function resultPointerOffset(location: ResultLocation): number | undefined {
  return location.in === 'memory' ? argumentBankOffsets.general + 8 * location.address : undefined;
}

/** Where a result is; nothing for `void`. */
export function resultLocation(
  type: CType,
  location: ResultLocation,
  subject: string,
): ValueLocation | undefined {
  if (type.kind === 'void' || location.in === 'nothing') return undefined;
  if (location.in === 'memory') return memoryLocation(type, stackArgsOffset, subject);
  return registerLocation(type, location.pieces, resultBankOffsets, subject);
}

/** Bytes of a result in memory; 0 when it is in registers. */
export function resultMemorySize(type: CType, location: ResultLocation): number {
  return type.kind !== 'void' && location.in === 'memory' ? sizeOf(type) : 0;
}

/** Places of all arguments. */
export function argumentLocations(
  { args, text }: Signature,
  locations: readonly ArgLocation[],
): ValueLocation[] {
  return args.map(({ type }, index) =>
    argumentLocation(type, locations[index]!, `argument ${index + 1} of ${text}`),
  );
}

function memoryLocation(type: ValueType, byteOffset: number, subject: string): ValueLocation {
  return {
    format: formatOf(type),
    byteOffset,
    indirect: false,
    struct: structOf(type),
    parts: undefined,
    subject,
  };
}

function registerLocation(
  type: ValueType,
  registerPieces: readonly RegisterPiece[],
  bankOffsets: Readonly<Record<RegisterPiece['bank'], number>>,
  subject: string,
): ValueLocation {
  const parts = registerPieces.map(({ bank, index, offset, size }) => ({
    byteOffset: bankOffsets[bank] + 8 * index,
    offset,
    size,
  }));
  const struct = structOf(type);
  return {
    format: formatOf(type),
    byteOffset: parts[0]!.byteOffset,
    indirect: false,
    struct,
    parts: struct === undefined ? undefined : parts,
    subject,
  };
}

function structOf(type: ValueType): StructType | undefined {
  return type.kind === 'struct' ? type : undefined;
}

function formatOf(type: ValueType): number {
  switch (type.kind) {
    case 'integer':
      if (type.js === 'boolean') return formats.bool;
      return formats[`${type.signed ? 'i' : 'u'}${(8 * type.size) as 8 | 16 | 32 | 64}`];
    case 'float':
      return type.size === 4 ? formats.f32 : formats.f64;
    case 'pointer':
      return type.js === 'number' ? formats.pointerAsNumber : formats.pointer;
    case 'string':
      return formats.string;
    case 'struct':
      return formats.struct;
  }
}
