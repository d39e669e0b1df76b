/**
 * Values on their way between C and JavaScript. `read` and `write` have the forms that are met most; they are so
 * short that V8 puts them into their callers, and everything else is a call away.
 */

import { describeType } from '../core/validate.js';
import { addressOfBytes, isBufferSource } from '../native/memory-view.js';
import type { GlueState } from './glue-instance.js';
import { readStruct, writeStruct } from './marshal-struct.js';
import { formats, type ValueLocation } from './value-locations.js';

const twoTo32 = 2 ** 32;

/** What JavaScript must keep alive while native code has its address. Who writes values takes off what it put on. */
export let pinned: unknown[] = [];

/** What is pinned, which its taker keeps from now on. */
export function takePinned(): unknown[] {
  const current = pinned;
  pinned = [];
  return current;
}

/** Whether writing a value there may pin something. */
export function mayPinMemory({ format }: ValueLocation): boolean {
  return format === formats.pointerAsNumber || format >= formats.pointer;
}

export interface Marshaller {
  read(location: ValueLocation): unknown;
  /**
   * Puts a value where it belongs; a structure as `prepare` took it. Values that are not of the type are refused,
   * and no code of the program runs.
   * @throws TypeError, RangeError
   */
  write(location: ValueLocation, value: unknown): void;
  /** `read` and `write` of one place: shorter, for places that are known when a function is made. */
  readerFor(location: ValueLocation): () => unknown;
  writerFor(location: ValueLocation): (value: unknown) => void;
  /** The C string at an address; NULL is `null`. */
  readCString(address: bigint): string | null;
}

/**
 * The values of one state. Functions that are made once, with the arrays as constants of theirs: V8 then knows where
 * in memory it reads and writes, which a method of an object has to look up.
 * @param decodeCString the C string at an address
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
      // A caller need not extend what is shorter than a register.
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

  /** A call whose value is refused is not made: nobody comes for what its earlier values pinned. */
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
        if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER && value % 1 === 0) {
          u32[byteOffset >> 2] = value >>> 0;
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
    return (value) => write(location, value);
  }

  function readCString(address: bigint): string | null {
    return address === 0n ? null : decodeCString(address);
  }

  return { read, write, readerFor, writerFor, readCString };
}

export function checkedInteger(value: unknown, subject: string, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max && value % 1 === 0) return value;
  throw integerExpected(value, subject, min, max);
}

export function checkedBoolean(value: unknown, subject: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${subject} must be true or false, not ${describeType(value)}`);
}

export function checkedNumber(value: unknown, subject: string): number {
  if (typeof value === 'number') return value;
  throw numberExpected(value, subject);
}

/** 64 bits. A safe integer is taken, too. */
export function toInt64(value: unknown, subject: string, signed: boolean): bigint {
  const integer = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof integer !== 'bigint') {
    if (typeof value === 'number') throw new RangeError(`${subject} must be a whole number, not ${value}`);
    throw new TypeError(`${subject} must be a bigint, not ${describeType(value)}`);
  }
  if ((signed ? BigInt.asIntN(64, integer) : BigInt.asUintN(64, integer)) === integer) return integer;
  throw new RangeError(`${subject} does not fit into 64 bits${signed ? '' : ' without a sign'}: ${integer}`);
}

/** An address, nothing (`null`), or memory of JavaScript's, which is pinned. */
export function toPointer(value: unknown, subject: string): bigint {
  if (value === null) return 0n;
  if (typeof value === 'bigint' || typeof value === 'number') return toInt64(value, subject, false);
  if (!isBufferSource(value)) {
    throw new TypeError(`${subject} must be an address, memory or null, not ${describeType(value)}`);
  }
  pinned.push(value);
  return addressOfBytes(value);
}

/** A copy of a string in UTF-8 with a NUL behind it, which is pinned. */
export function toCStringPointer(value: unknown, subject: string): bigint {
  if (value === null) return 0n;
  if (typeof value !== 'string')
    throw new TypeError(`${subject} must be a string or null, not ${describeType(value)}`);
  if (value.includes('\0')) throw new RangeError(`${subject} contains a NUL character, where C would end it`);
  const bytes = Buffer.from(`${value}\0`);
  pinned.push(bytes);
  return addressOfBytes(bytes);
}

function integerExpected(value: unknown, subject: string, min: number, max: number): TypeError | RangeError {
  if (typeof value !== 'number') return numberExpected(value, subject);
  return new RangeError(`${subject} must be a whole number from ${min} to ${max}, not ${value}`);
}

function numberExpected(value: unknown, subject: string): TypeError {
  return new TypeError(`${subject} must be a number, not ${describeType(value)}`);
}
