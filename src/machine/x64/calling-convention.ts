/** C on x86-64: types and parameter passing, System V psABI, figure 3.1 and section 3.2.3. */
import { alignUp } from '../../core/bits.js';
import { type FieldType, type PlatformTypes, type Signature, sizeOf, type ValueType } from '../c-types.js';
import type { ArgLocation, CallLayout, RegisterBank, RegisterPiece, ResultLocation } from '../call-layout.js';

/** As in Linux's and glibc's headers for x86-64. */
export const cPlatform: PlatformTypes = {
  char: { size: 1, signed: true },
  wchar_t: { size: 4, signed: true },
  nlink_t: { size: 8, signed: false },
  blksize_t: { size: 8, signed: true },
};

/** rdi, rsi, rdx, rcx, r8, r9, and xmm0 to xmm7. */
const argumentRegisters = { general: 6, vector: 8 };

/**
 * Returns the locations of arguments and result. Variadic arguments are passed like others; al holds an upper bound of
 * the number of vector registers in use, for which `registers.vector` serves.
 */
export function callLayout({ args, result }: Pick<Signature, 'args' | 'result'>): CallLayout {
  const resultClasses = result.kind === 'void' ? [] : classify(result);
  const registers = { general: resultClasses === 'memory' ? 1 : 0, vector: 0 };
  let stackSize = 0;

  const locations = args.map(({ type }): ArgLocation => {
    const size = sizeOf(type);
    const pieces = assignRegisters(size, classify(type), registers);
    if (pieces !== undefined) {
      for (const { bank } of pieces) registers[bank]++;
      return { in: 'registers', pieces };
    }
    const offset = stackSize;
    stackSize += alignUp(size, 8);
    return { in: 'stack', offset };
  });
  return { args: locations, result: resultLocation(), registers, stackSize };

  function resultLocation(): ResultLocation {
    if (result.kind === 'void') return { in: 'nothing' };
    // rax and rdx, xmm0 and xmm1 hold any value that is not in memory.
    const pieces = assignRegisters(sizeOf(result), resultClasses, { general: 0, vector: 0 });
    return pieces === undefined ? { in: 'memory', address: 0 } : { in: 'registers', pieces };
  }
}

/** Returns the registers for a value if `used` are taken, or undefined if the whole value is in memory. */
function assignRegisters(
  size: number,
  classes: readonly RegisterBank[] | 'memory',
  used: Readonly<Record<RegisterBank, number>>,
): readonly RegisterPiece[] | undefined {
  if (classes === 'memory') return undefined;
  const next = { ...used };
  const pieces = classes.map((bank, eightbyte) => {
    const offset = 8 * eightbyte;
    return { bank, index: next[bank]++, offset, size: Math.min(8, size - offset) };
  });
  const fits = next.general <= argumentRegisters.general && next.vector <= argumentRegisters.vector;
  return fits ? pieces : undefined;
}

/** Returns the class of each eightbyte: INTEGER is `general`, SSE is `vector`. */
function classify(type: ValueType): readonly RegisterBank[] | 'memory' {
  const size = sizeOf(type);
  // Aligned fields of at most 8 bytes never cross an eightbyte, so size alone decides.
  if (size > 16) return 'memory';
  const classes = new Array<RegisterBank>(Math.ceil(size / 8)).fill('vector');
  for (const offset of integerOffsets(type, 0)) classes[Math.floor(offset / 8)] = 'general';
  return classes;
}

/** Yields the offsets of all fields of class INTEGER, which takes precedence over SSE in an eightbyte. */
function* integerOffsets(type: FieldType, offset: number): Generator<number> {
  if (type.kind === 'struct') {
    for (const field of type.fields) yield* integerOffsets(field.type, offset + field.offset);
  } else if (type.kind === 'array') {
    const stride = sizeOf(type.element);
    for (let index = 0; index < type.length; index++)
      yield* integerOffsets(type.element, offset + index * stride);
  } else if (type.kind !== 'float') {
    yield offset;
  }
}
