/** Places: where in a call record a value stands, and in which form. Found once for each signature. */
import { type CType, type Signature, type StructType, sizeOf, type ValueType } from '../abi/c-types.js';
import { call, record, state } from '../machine/glue-layout.js';
import type { DirectPlace, Piece, ResultPlace, ValuePlace } from '../machine/index.js';

/** The forms of values. Numbers, so that a switch over them becomes a table of jumps. */
export const forms = {
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
  number: 9,
  i64: 10,
  u64: 11,
  pointer: 12,
  string: 13,
  struct: 14,
} as const;

export interface Place {
  readonly form: number;
  /** In bytes from the start of the state. Of a structure in registers: nowhere. */
  readonly at: number;
  /** Whether there is the address of a structure that the caller has in memory, not the structure. */
  readonly byAddress: boolean;
  /** Of structures. */
  readonly struct: StructType | undefined;
  /** Of structures in registers. */
  readonly pieces: readonly StructPiece[] | undefined;
  /** What error messages call it. */
  readonly subject: string;
}

/** A part of a structure: where it stands in the state, where in the structure, and how long it is. */
export interface StructPiece {
  readonly at: number;
  readonly offset: number;
  readonly size: number;
}

const recordAt = state.call + call.record;
export const resultsAt = recordAt + record.results;
export const stackAt = recordAt + record.stack;

const argumentBanks = { general: recordAt + record.general, vector: recordAt + record.vector };
const resultBanks = { general: resultsAt, vector: recordAt + record.vectorResults };

function argumentPlace(type: ValueType, where: ValuePlace, subject: string): Place {
  if (where.in === 'stack') return inMemory(type, stackAt + where.offset, subject);
  if (where.in === 'registers') return inRegisters(type, where.pieces, argumentBanks, subject);
  return { ...inMemory(type, addressAt(where.address), subject), byAddress: true };
}

/** Where an address that is passed stands. */
export function addressAt(where: DirectPlace): number {
  if (where.in === 'stack') return stackAt + where.offset;
  const { bank, index } = where.pieces[0]!;
  return argumentBanks[bank] + 8 * index;
}

/** Where the address for a result in memory stands; nothing when the result is in registers. */
export function resultAddressAt(where: ResultPlace): number | undefined {
  return where.in === 'memory' ? argumentBanks.general + 8 * where.address : undefined;
}

/** Where a result is; nothing for `void`. */
export function resultPlace(type: CType, where: ResultPlace, subject: string): Place | undefined {
  if (type.kind === 'void' || where.in === 'nothing') return undefined;
  if (where.in === 'memory') return inMemory(type, stackAt, subject);
  return inRegisters(type, where.pieces, resultBanks, subject);
}

/** Bytes of a result in memory; 0 when it is in registers. */
export function memorySize(type: CType, where: ResultPlace): number {
  return type.kind !== 'void' && where.in === 'memory' ? sizeOf(type) : 0;
}

/** Places of all arguments. */
export function argumentPlaces({ args, text }: Signature, where: readonly ValuePlace[]): Place[] {
  return args.map(({ type }, index) =>
    argumentPlace(type, where[index]!, `argument ${index + 1} of ${text}`),
  );
}

function inMemory(type: ValueType, at: number, subject: string): Place {
  return { form: formOf(type), at, byAddress: false, struct: structOf(type), pieces: undefined, subject };
}

function inRegisters(
  type: ValueType,
  given: readonly Piece[],
  banks: Readonly<Record<Piece['bank'], number>>,
  subject: string,
): Place {
  const pieces = given.map(({ bank, index, offset, size }) => ({
    at: banks[bank] + 8 * index,
    offset,
    size,
  }));
  const struct = structOf(type);
  return {
    form: formOf(type),
    at: pieces[0]!.at,
    byAddress: false,
    struct,
    pieces: struct === undefined ? undefined : pieces,
    subject,
  };
}

function structOf(type: ValueType): StructType | undefined {
  return type.kind === 'struct' ? type : undefined;
}

function formOf(type: ValueType): number {
  switch (type.kind) {
    case 'integer':
      if (type.js === 'boolean') return forms.bool;
      return forms[`${type.signed ? 'i' : 'u'}${(8 * type.size) as 8 | 16 | 32 | 64}`];
    case 'float':
      return type.size === 4 ? forms.f32 : forms.f64;
    case 'pointer':
      return type.js === 'number' ? forms.number : forms.pointer;
    case 'string':
      return forms.string;
    case 'struct':
      return forms.struct;
  }
}
