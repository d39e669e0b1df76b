/** C on arm64: types and parameter passing, AAPCS64, sections 5.9, 6.8 and 6.9. */
import { alignUp } from '../../core/bits.js';
import {
  type FieldType,
  type FloatType,
  type PlatformTypes,
  type Signature,
  sizeOf,
  type ValueType,
} from '../c-types.js';
import type {
  ArgLocation,
  CallLayout,
  DirectLocation,
  RegisterBank,
  RegisterPiece,
  ResultLocation,
} from '../call-layout.js';

/** As in Linux's and glibc's headers for arm64. */
export const cPlatform: PlatformTypes = {
  char: { size: 1, signed: false },
  wchar_t: { size: 4, signed: false },
  nlink_t: { size: 4, signed: false },
  blksize_t: { size: 4, signed: true },
};

/** x0 to x7, and v0 to v7. */
const argumentRegisters = 8;

/** x8 follows the argument registers: it holds the address of a result in memory. */
const resultAddressIndex = 8;

/** Max members of a homogeneous floating-point aggregate: AAPCS64, section 5.9.5.1. */
const maxMembers = 4;

/** The pieces of a value, one per register, or `memory` if its address is passed. */
type Passing = readonly Omit<RegisterPiece, 'index'>[] | 'memory';

/** Returns the locations of arguments and result. Variadic arguments are passed like others. */
export function callLayout({ args, result }: Pick<Signature, 'args' | 'result'>): CallLayout {
  const registers = { general: 0, vector: 0 };
  /** Banks in which a value did not fit. Following values cannot use them: stages C.3 and C.13. */
  const exhausted = { general: false, vector: false };
  let stackSize = 0;

  const locations = args.map(({ type }): ArgLocation => {
    const passing = passingOf(type);
    if (passing !== 'memory') return allocate(passing, sizeOf(type));
    return { in: 'memory', address: allocate(generalPieces(8), 8) };
  });
  return { args: locations, result: resultLocation(result), registers, stackSize };

  /** Places all pieces of a value in registers of one bank, or the whole value on the stack. */
  function allocate(pieces: readonly Omit<RegisterPiece, 'index'>[], size: number): DirectLocation {
    const { bank } = pieces[0]!;
    if (!exhausted[bank] && registers[bank] + pieces.length <= argumentRegisters) {
      return { in: 'registers', pieces: pieces.map((piece) => ({ ...piece, index: registers[bank]++ })) };
    }
    exhausted[bank] = true;
    const offset = stackSize;
    stackSize += alignUp(size, 8);
    return { in: 'stack', offset };
  }
}

/** Returns the location of a result, in x0 and x1 or v0 to v3: that of a first argument, section 6.9. */
function resultLocation(type: Signature['result']): ResultLocation {
  if (type.kind === 'void') return { in: 'nothing' };
  const passing = passingOf(type);
  if (passing === 'memory') return { in: 'memory', address: resultAddressIndex };
  return { in: 'registers', pieces: passing.map((piece, index) => ({ ...piece, index })) };
}

function passingOf(type: ValueType): Passing {
  const size = sizeOf(type);
  const member = homogeneous(type);
  if (member !== undefined && size <= maxMembers * member.size)
    return splitValue(size, member.size, 'vector');
  // Larger values are replaced by their address: stage B.4.
  return size > 16 ? 'memory' : generalPieces(size);
}

const generalPieces = (size: number) => splitValue(size, 8, 'general');

function splitValue(size: number, pieceSize: number, bank: RegisterBank): Omit<RegisterPiece, 'index'>[] {
  return Array.from({ length: Math.ceil(size / pieceSize) }, (_, index) => {
    const offset = pieceSize * index;
    return { bank, offset, size: Math.min(pieceSize, size - offset) };
  });
}

/** Returns the floating-point type of a homogeneous aggregate, or undefined for other types. */
function homogeneous(type: FieldType): FloatType | undefined {
  if (type.kind === 'float') return type;
  if (type.kind === 'array') return homogeneous(type.element);
  if (type.kind !== 'struct') return undefined;
  const [firstType, ...otherTypes] = type.fields.map((field) => homogeneous(field.type));
  return otherTypes.every((otherType) => otherType?.size === firstType?.size) ? firstType : undefined;
}
