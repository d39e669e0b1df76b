/** Checks of scalar values that are passed to C, and pinning of memory whose address is passed. */

import { describeType } from '../core/validate.js';
import { addressOfBytes, isBufferSource } from '../native/memory-view.js';

/** Returns the C string at an address; NULL is `null`. */
export type ReadCString = (address: bigint) => string | null;

/** Values that must stay alive while native code has their address. Callers that write values remove what they added. */
export let pinned: unknown[] = [];

/** Returns the pinned values and resets the list. The caller must keep them alive. */
export function takePinned(): unknown[] {
  const current = pinned;
  pinned = [];
  return current;
}

export function checkedInteger(value: unknown, subject: string, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max && Math.floor(value) === value) return value;
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

/** Checks a 64-bit integer. Numbers are accepted if they are safe integers. */
export function toInt64(value: unknown, subject: string, signed: boolean): bigint {
  const integer = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof integer !== 'bigint') {
    if (typeof value === 'number') throw new RangeError(`${subject} must be a whole number, not ${value}`);
    throw new TypeError(`${subject} must be a bigint, not ${describeType(value)}`);
  }
  if ((signed ? BigInt.asIntN(64, integer) : BigInt.asUintN(64, integer)) === integer) return integer;
  throw new RangeError(`${subject} does not fit into 64 bits${signed ? '' : ' without a sign'}: ${integer}`);
}

/** Returns the address of a pointer argument: an address, `null`, or memory, which is pinned. */
export function toPointer(value: unknown, subject: string): bigint {
  if (value === null) return 0n;
  if (typeof value === 'bigint' || typeof value === 'number') return toInt64(value, subject, false);
  if (!isBufferSource(value)) {
    throw new TypeError(`${subject} must be an address, memory or null, not ${describeType(value)}`);
  }
  pinned.push(value);
  return addressOfBytes(value);
}

/** Returns the address of a NUL-terminated UTF-8 copy of a string, and pins the copy. */
export function toCStringPointer(value: unknown, subject: string): bigint {
  if (value === null) return 0n;
  if (typeof value !== 'string')
    throw new TypeError(`${subject} must be a string or null, not ${describeType(value)}`);
  if (value.includes('\0'))
    throw new RangeError(`${subject} contains a NUL character, which ends a C string`);
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
