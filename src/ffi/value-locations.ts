/** The location and format of each value in a call record. Computed once for each prototype. */
import { type CType, type Signature, type StructType, sizeOf, type ValueType } from '../machine/c-types.js';
import { callRecord, maxStackBytes, nativeCall, state } from '../machine/glue-layout.js';
import type { ArgLocation, DirectLocation, RegisterPiece, ResultLocation } from '../machine/index.js';

/** Formats of values. Small numbers, so that V8 compiles a switch over them to a jump table. */
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
  /** Bytes from the start of the state. Unused for structures in registers. */
  readonly byteOffset: number;
  /** Whether the location holds the address of a structure in the caller's memory instead of the structure. */
  readonly indirect: boolean;
  /** For structures only. */
  readonly struct: StructType | undefined;
  /** For structures in registers only. */
  readonly parts: readonly StructPart[] | undefined;
  /** The name of the value in error messages. */
  readonly subject: string;
}

/** A part of a structure: its offset in the state, its offset in the structure, and its size, in bytes. */
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

/** Returns the offset, in the state, of a passed address. */
export function pointerOffset(location: DirectLocation): number {
  if (location.in === 'stack') return stackArgsOffset + location.offset;
  const { bank, index } = location.pieces[0]!;
  return argumentBankOffsets[bank] + 8 * index;
}

/** Returns the offset, in the state, of the address for a result in memory; `undefined` if the result is in registers. */
export function resultPointerOffset(location: ResultLocation): number | undefined {
  return location.in === 'memory' ? argumentBankOffsets.general + 8 * location.address : undefined;
}

/** Returns the location of a result; `undefined` for `void`. */
export function resultLocation(
  type: CType,
  location: ResultLocation,
  subject: string,
): ValueLocation | undefined {
  if (type.kind === 'void' || location.in === 'nothing') return undefined;
  if (location.in === 'memory') return memoryLocation(type, stackArgsOffset, subject);
  return registerLocation(type, location.pieces, resultBankOffsets, subject);
}

/** Returns the bytes of a result in memory; 0 if it is in registers. */
export function resultMemorySize(type: CType, location: ResultLocation): number {
  return type.kind !== 'void' && location.in === 'memory' ? sizeOf(type) : 0;
}

/** Returns the locations of all arguments. */
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

/** Throws a RangeError unless `size` bytes of arguments or result fit into a call record. */
export function assertStackSize(size: number): void {
  if (size <= maxStackBytes) return;
  throw new RangeError(`prototype needs ${size} bytes on the stack; at most ${maxStackBytes} are possible`);
}
