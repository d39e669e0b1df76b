/** C on arm64: types and parameter passing, AAPCS64, sections 5.9, 6.8 and 6.9. */
import {
  type CPlatform,
  type FieldType,
  type FloatType,
  type Signature,
  sizeOf,
  type ValueType,
} from '../../abi/c-types.js';
import type { CallLayout, DirectPlace, Piece, RegisterBank, ResultPlace, ValuePlace } from '../calls.js';

/** As in Linux's and glibc's headers for arm64. */
export const cPlatform: CPlatform = {
  char: { size: 1, signed: false },
  wchar_t: { size: 4, signed: false },
  nlink_t: { size: 4, signed: false },
  blksize_t: { size: 4, signed: true },
};

/** x0 to x7, and v0 to v7. */
const argumentRegisters = 8;

/** x8 is behind the registers of arguments: it has the address for a result in memory. */
const resultAddress = 8;

/** A homogeneous floating-point aggregate has no more members: AAPCS64, section 5.9.5.1. */
const mostMembers = 4;

/** What a value is made of, each piece in a register of its own; or its address is passed. */
type Passing = readonly Omit<Piece, 'index'>[] | 'memory';

/** Where arguments and result of a function are. Variadic arguments are passed like others. */
export function callLayout({ args, result }: Pick<Signature, 'args' | 'result'>): CallLayout {
  const registers = { general: 0, vector: 0 };
  /** Banks of which a value was left no room: nothing behind it gets any. Stages C.3 and C.13. */
  const closed = { general: false, vector: false };
  let stackSize = 0;

  const places = args.map(({ type }): ValuePlace => {
    const passing = passingOf(type);
    if (passing !== 'memory') return place(passing, sizeOf(type));
    return { in: 'memory', address: place(words(8), 8) };
  });
  return { args: places, result: resultPlace(result), registers, stackSize };

  /** All pieces of a value are in registers of one bank, or the value is on the stack as a whole. */
  function place(pieces: readonly Omit<Piece, 'index'>[], size: number): DirectPlace {
    const { bank } = pieces[0]!;
    if (!closed[bank] && registers[bank] + pieces.length <= argumentRegisters) {
      return { in: 'registers', pieces: pieces.map((piece) => ({ ...piece, index: registers[bank]++ })) };
    }
    closed[bank] = true;
    const offset = stackSize;
    stackSize += Math.ceil(size / 8) * 8;
    return { in: 'stack', offset };
  }
}

/** In x0 and x1, or v0 to v3: as the first argument would be, section 6.9. */
function resultPlace(type: Signature['result']): ResultPlace {
  if (type.kind === 'void') return { in: 'nothing' };
  const passing = passingOf(type);
  if (passing === 'memory') return { in: 'memory', address: resultAddress };
  return { in: 'registers', pieces: passing.map((piece, index) => ({ ...piece, index })) };
}

function passingOf(type: ValueType): Passing {
  const size = sizeOf(type);
  const member = homogeneous(type);
  if (member !== undefined && size <= mostMembers * member.size) return split(size, member.size, 'vector');
  // Larger ones are replaced by their address: stage B.4.
  return size > 16 ? 'memory' : words(size);
}

const words = (size: number) => split(size, 8, 'general');

function split(size: number, each: number, bank: RegisterBank): Omit<Piece, 'index'>[] {
  return Array.from({ length: Math.ceil(size / each) }, (_, index) => {
    const offset = each * index;
    return { bank, offset, size: Math.min(each, size - offset) };
  });
}

/** The type of floating-point numbers that a value has nothing else than. */
function homogeneous(type: FieldType): FloatType | undefined {
  if (type.kind === 'float') return type;
  if (type.kind === 'array') return homogeneous(type.element);
  if (type.kind !== 'struct') return undefined;
  const [first, ...others] = type.fields.map((field) => homogeneous(field.type));
  return others.every((other) => other?.size === first?.size) ? first : undefined;
}
