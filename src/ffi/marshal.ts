/**
 * Conversion of values between C and JavaScript. `read` and `write` handle the most frequent formats, and are small enough
 * for V8 to inline them; other formats cost a call.
 */

import type { GlueState } from './glue-instance.js';
import { readStruct, writeStruct } from './marshal-struct.js';
import {
  checkedBoolean,
  checkedInteger,
  checkedNumber,
  type ReadCString,
  takePinned,
  toCStringPointer,
  toInt64,
  toPointer,
} from './scalars.js';
import { formats, type ValueLocation } from './value-locations.js';

const twoTo32 = 2 ** 32;

/** Whether the value is an address as an exact number. `Math.floor` is an instruction; `% 1` would be a call. */
function isAddress(value: unknown): value is number {
  return (
    typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER && Math.floor(value) === value
  );
}

/** Returns whether writing a value to this location may pin memory. */
export function mayPinMemory({ format }: ValueLocation): boolean {
  return format === formats.pointerAsNumber || format >= formats.pointer;
}

export interface Marshaller {
  read(location: ValueLocation): unknown;
  /**
   * Writes a value to its location; a structure as a snapshot by `snapshotValue`. Runs no code of the program.
   * @throws TypeError, RangeError for values of another type
   */
  write(location: ValueLocation, value: unknown): void;
  /** Return `read` and `write` for one location: faster if the location is known when a function is created. */
  readerFor(location: ValueLocation): () => unknown;
  writerFor(location: ValueLocation): (value: unknown) => void;
  readonly readCString: ReadCString;
}

/**
 * Creates the functions that read and write the values of one state. They are closures over the typed arrays: V8 then
 * compiles the address of the memory into the code, which a method would load from its object.
 * @param decodeCString returns the C string at an address that is not 0
 */
export function createMarshaller(state: GlueState, decodeCString: (address: bigint) => string): Marshaller {
  const { i32, u32, f32, f64, i64, u64 } = state;

  function read(location: ValueLocation): unknown {
    const { format, byteOffset } = location;
    if (format === formats.i32) return i32[byteOffset >> 2]!;
    if (format === formats.pointerAsNumber)
      return u32[byteOffset >> 2]! + u32[(byteOffset >> 2) + 1]! * twoTo32;
    if (format === formats.f64) return f64[byteOffset >> 3]!;
    if (format === formats.pointer) return u64[byteOffset >> 3]!;
    return readUncommon(location);
  }

  function readUncommon(location: ValueLocation): unknown {
    const { format, byteOffset } = location;
    switch (format) {
      case formats.i64:
        return i64[byteOffset >> 3]!;
      case formats.u64:
        return u64[byteOffset >> 3]!;
      case formats.u32:
        return u32[byteOffset >> 2]!;
      case formats.f32:
        return f32[byteOffset >> 2]!;
      // Callers need not extend values that are shorter than a register.
      case formats.i8:
        return (i32[byteOffset >> 2]! << 24) >> 24;
      case formats.u8:
        return i32[byteOffset >> 2]! & 0xff;
      case formats.i16:
        return (i32[byteOffset >> 2]! << 16) >> 16;
      case formats.u16:
        return i32[byteOffset >> 2]! & 0xffff;
      case formats.bool:
        return (i32[byteOffset >> 2]! & 0xff) !== 0;
      case formats.string:
        return readCString(u64[byteOffset >> 3]!);
      default:
        return readStruct(location, state, readCString);
    }
  }

  function write(location: ValueLocation, value: unknown): void {
    const { format, byteOffset } = location;
    if (typeof value !== 'number') writeUncommon(location, value);
    else if (format === formats.i32 && (value | 0) === value) i32[byteOffset >> 2] = value;
    else if (format === formats.f64) f64[byteOffset >> 3] = value;
    else writeUncommon(location, value);
  }

  /** Unpins the earlier values of a call if this one is rejected, since the call is not made. */
  function writeUncommon(location: ValueLocation, value: unknown): void {
    try {
      writeChecked(location, value);
    } catch (error) {
      takePinned();
      throw error;
    }
  }

  function writeChecked(location: ValueLocation, value: unknown): void {
    const { format, byteOffset, subject } = location;
    switch (format) {
      case formats.i8:
        i32[byteOffset >> 2] = checkedInteger(value, subject, -0x80, 0x7f);
        break;
      case formats.u8:
        i32[byteOffset >> 2] = checkedInteger(value, subject, 0, 0xff);
        break;
      case formats.i16:
        i32[byteOffset >> 2] = checkedInteger(value, subject, -0x8000, 0x7fff);
        break;
      case formats.u16:
        i32[byteOffset >> 2] = checkedInteger(value, subject, 0, 0xffff);
        break;
      case formats.i32:
        i32[byteOffset >> 2] = checkedInteger(value, subject, -0x8000_0000, 0x7fff_ffff);
        break;
      case formats.u32:
        u32[byteOffset >> 2] = checkedInteger(value, subject, 0, 0xffff_ffff);
        break;
      case formats.bool:
        i32[byteOffset >> 2] = checkedBoolean(value, subject) ? 1 : 0;
        break;
      case formats.f32:
        f32[byteOffset >> 2] = checkedNumber(value, subject);
        break;
      case formats.f64:
        f64[byteOffset >> 3] = checkedNumber(value, subject);
        break;
      case formats.i64:
        i64[byteOffset >> 3] = toInt64(value, subject, true);
        break;
      case formats.u64:
        u64[byteOffset >> 3] = toInt64(value, subject, false);
        break;
      case formats.pointerAsNumber:
      case formats.pointer:
        if (isAddress(value)) {
          u32[byteOffset >> 2] = value;
          u32[(byteOffset >> 2) + 1] = value / twoTo32;
        } else {
          u64[byteOffset >> 3] = toPointer(value, subject);
        }
        break;
      case formats.string:
        u64[byteOffset >> 3] = toCStringPointer(value, subject);
        break;
      default:
        writeStruct(location, value, state);
    }
  }

  function readerFor(location: ValueLocation): () => unknown {
    const { format, byteOffset } = location;
    const [index32, index64] = [byteOffset >> 2, byteOffset >> 3];
    if (format === formats.i32) return () => i32[index32];
    if (format === formats.f64) return () => f64[index64];
    return () => read(location);
  }

  function writerFor(location: ValueLocation): (value: unknown) => void {
    const { format, byteOffset } = location;
    const [index32, index64] = [byteOffset >> 2, byteOffset >> 3];
    if (format === formats.i32) {
      return (value) => {
        if (typeof value === 'number' && (value | 0) === value) i32[index32] = value;
        else writeUncommon(location, value);
      };
    }
    if (format === formats.f64) {
      return (value) => {
        if (typeof value === 'number') f64[index64] = value;
        else writeUncommon(location, value);
      };
    }
    if (format === formats.pointer || format === formats.pointerAsNumber) {
      return (value) => {
        if (isAddress(value)) {
          u32[index32] = value;
          u32[index32 + 1] = value / twoTo32;
        } else {
          writeUncommon(location, value);
        }
      };
    }
    return (value) => write(location, value);
  }

  function readCString(address: bigint): string | null {
    return address === 0n ? null : decodeCString(address);
  }

  return { read, write, readerFor, writerFor, readCString };
}
