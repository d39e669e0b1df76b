/**
 * Values on their way between C and JavaScript. `read` and `write` have the forms that are met most; they are so
 * short that V8 puts them into their callers, and everything else is a call away.
 */
import { addressOfBytes, isMemory } from '../linux/memory.js';
import { kind } from '../trampoline/values.js';
import type { State } from './environment.js';
import { forms, type Place } from './places.js';
import { readStruct, writeStruct } from './structures.js';

const twoTo32 = 2 ** 32;

/** What JavaScript must keep alive while native code has its address. Who writes values takes off what it put on. */
export let pins: unknown[] = [];

/** What is pinned, which its taker keeps from now on. */
export function takePins(): unknown[] {
  const taken = pins;
  pins = [];
  return taken;
}

/** Whether writing a value there may pin something. */
export function mayPin({ form }: Place): boolean {
  return form === forms.number || form >= forms.pointer;
}

export interface Values {
  read(place: Place): unknown;
  /**
   * Puts a value where it belongs; a structure as `prepare` took it. Values that are not of the type are refused,
   * and no code of the program runs.
   * @throws TypeError, RangeError
   */
  write(place: Place, value: unknown): void;
  /** `read` and `write` of one place: shorter, for places that are known when a function is made. */
  reader(place: Place): () => unknown;
  writer(place: Place): (value: unknown) => void;
  /** The C string at an address; NULL is `null`. */
  textAt(address: bigint): string | null;
}

/**
 * The values of one state. Functions that are made once, with the arrays as constants of theirs: V8 then knows where
 * in memory it reads and writes, which a method of an object has to look up.
 * @param text the C string at an address
 */
export function valuesIn(state: State, text: (address: bigint) => string): Values {
  const { i32, u32, f32, f64, i64, u64 } = state;

  function read(place: Place): unknown {
    const { form, at } = place;
    if (form === forms.i32) return i32[at >> 2]!;
    if (form === forms.number) return u32[at >> 2]! + u32[(at >> 2) + 1]! * twoTo32;
    if (form === forms.f64) return f64[at >> 3]!;
    if (form === forms.pointer) return u64[at >> 3]!;
    return readOther(place);
  }

  function readOther(place: Place): unknown {
    const { form, at } = place;
    switch (form) {
      case forms.i64:
        return i64[at >> 3]!;
      case forms.u64:
        return u64[at >> 3]!;
      case forms.u32:
        return u32[at >> 2]!;
      case forms.f32:
        return f32[at >> 2]!;
      // A caller need not extend what is shorter than a register.
      case forms.i8:
        return (i32[at >> 2]! << 24) >> 24;
      case forms.u8:
        return i32[at >> 2]! & 0xff;
      case forms.i16:
        return (i32[at >> 2]! << 16) >> 16;
      case forms.u16:
        return i32[at >> 2]! & 0xffff;
      case forms.bool:
        return (i32[at >> 2]! & 0xff) !== 0;
      case forms.string:
        return textAt(u64[at >> 3]!);
      default:
        return readStruct(place, state, textAt);
    }
  }

  function write(place: Place, value: unknown): void {
    const { form, at } = place;
    if (typeof value !== 'number') writeOther(place, value);
    else if (form === forms.i32 && (value | 0) === value) i32[at >> 2] = value;
    else if (form === forms.f64) f64[at >> 3] = value;
    else writeOther(place, value);
  }

  /** A call whose value is refused is not made: nobody comes for what its earlier values pinned. */
  function writeOther(place: Place, value: unknown): void {
    try {
      writeChecked(place, value);
    } catch (error) {
      takePins();
      throw error;
    }
  }

  function writeChecked(place: Place, value: unknown): void {
    const { form, at, subject } = place;
    switch (form) {
      case forms.i8:
        i32[at >> 2] = integer(value, subject, -0x80, 0x7f);
        break;
      case forms.u8:
        i32[at >> 2] = integer(value, subject, 0, 0xff);
        break;
      case forms.i16:
        i32[at >> 2] = integer(value, subject, -0x8000, 0x7fff);
        break;
      case forms.u16:
        i32[at >> 2] = integer(value, subject, 0, 0xffff);
        break;
      case forms.i32:
        i32[at >> 2] = integer(value, subject, -0x8000_0000, 0x7fff_ffff);
        break;
      case forms.u32:
        u32[at >> 2] = integer(value, subject, 0, 0xffff_ffff);
        break;
      case forms.bool:
        i32[at >> 2] = boolean(value, subject) ? 1 : 0;
        break;
      case forms.f32:
        f32[at >> 2] = number(value, subject);
        break;
      case forms.f64:
        f64[at >> 3] = number(value, subject);
        break;
      case forms.i64:
        i64[at >> 3] = long(value, subject, true);
        break;
      case forms.u64:
        u64[at >> 3] = long(value, subject, false);
        break;
      case forms.number:
      case forms.pointer:
        if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER && value % 1 === 0) {
          u32[at >> 2] = value >>> 0;
          u32[(at >> 2) + 1] = value / twoTo32;
        } else {
          u64[at >> 3] = pointer(value, subject);
        }
        break;
      case forms.string:
        u64[at >> 3] = textPointer(value, subject);
        break;
      default:
        writeStruct(place, value, state);
    }
  }

  function reader(place: Place): () => unknown {
    const { form, at } = place;
    const [index, wide] = [at >> 2, at >> 3];
    if (form === forms.i32) return () => i32[index];
    if (form === forms.f64) return () => f64[wide];
    return () => read(place);
  }

  function writer(place: Place): (value: unknown) => void {
    const { form, at } = place;
    const [index, wide] = [at >> 2, at >> 3];
    if (form === forms.i32) {
      return (value) => {
        if (typeof value === 'number' && (value | 0) === value) i32[index] = value;
        else writeOther(place, value);
      };
    }
    if (form === forms.f64) {
      return (value) => {
        if (typeof value === 'number') f64[wide] = value;
        else writeOther(place, value);
      };
    }
    return (value) => write(place, value);
  }

  function textAt(address: bigint): string | null {
    return address === 0n ? null : text(address);
  }

  return { read, write, reader, writer, textAt };
}

export function integer(value: unknown, subject: string, from: number, to: number): number {
  if (typeof value === 'number' && value >= from && value <= to && value % 1 === 0) return value;
  throw notInteger(value, subject, from, to);
}

export function boolean(value: unknown, subject: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${subject} must be true or false, not ${kind(value)}`);
}

export function number(value: unknown, subject: string): number {
  if (typeof value === 'number') return value;
  throw notNumber(value, subject);
}

/** 64 bits. A safe integer is taken, too. */
export function long(value: unknown, subject: string, signed: boolean): bigint {
  const given = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof given !== 'bigint') {
    if (typeof value === 'number') throw new RangeError(`${subject} must be a whole number, not ${value}`);
    throw new TypeError(`${subject} must be a bigint, not ${kind(value)}`);
  }
  if ((signed ? BigInt.asIntN(64, given) : BigInt.asUintN(64, given)) === given) return given;
  throw new RangeError(`${subject} does not fit into 64 bits${signed ? '' : ' without a sign'}: ${given}`);
}

/** An address, nothing (`null`), or memory of JavaScript's, which is pinned. */
export function pointer(value: unknown, subject: string): bigint {
  if (value === null) return 0n;
  if (typeof value === 'bigint' || typeof value === 'number') return long(value, subject, false);
  if (!isMemory(value)) {
    throw new TypeError(`${subject} must be an address, memory or null, not ${kind(value)}`);
  }
  pins.push(value);
  return addressOfBytes(value);
}

/** A copy of a string in UTF-8 with a NUL behind it, which is pinned. */
export function textPointer(value: unknown, subject: string): bigint {
  if (value === null) return 0n;
  if (typeof value !== 'string')
    throw new TypeError(`${subject} must be a string or null, not ${kind(value)}`);
  if (value.includes('\0')) throw new RangeError(`${subject} contains a NUL character, where C would end it`);
  const bytes = Buffer.from(`${value}\0`);
  pins.push(bytes);
  return addressOfBytes(bytes);
}

function notInteger(value: unknown, subject: string, from: number, to: number): TypeError | RangeError {
  if (typeof value !== 'number') return notNumber(value, subject);
  return new RangeError(`${subject} must be a whole number from ${from} to ${to}, not ${value}`);
}

function notNumber(value: unknown, subject: string): TypeError {
  return new TypeError(`${subject} must be a number, not ${kind(value)}`);
}
