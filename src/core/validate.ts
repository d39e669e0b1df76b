/**
 * Validates single arguments: 64-bit words, addresses, lengths. Each function returns the validated value, or throws
 * `TypeError` or `RangeError`; `name` is the argument's name in the message.
 */

import { renamedOptionAdvice } from './renamed-options.js';

const formatValue = (value: unknown): string =>
  typeof value === 'bigint' ? `${value}n` : typeof value === 'string' ? JSON.stringify(value) : String(value);

/**
 * Returns a value from -2^63 to 2^64-1 as an unsigned 64-bit word; a negative value becomes its two's complement,
 * as in C.
 */
export function uint64(value: unknown, name: string): bigint {
  if (typeof value !== 'bigint') throw bigintExpected(value, name);
  const unsigned = BigInt.asUintN(64, value);
  if (unsigned !== value && BigInt.asIntN(64, value) !== value) {
    throw new RangeError(`${name} does not fit into 64 bits: ${formatValue(value)}`);
  }
  return unsigned;
}

/** Whether a value needs no conversion to an unsigned 64-bit word. */
export function isUint64(value: unknown): value is bigint {
  return typeof value === 'bigint' && BigInt.asUintN(64, value) === value;
}

/** Returns a 64-bit word that is not 0. */
export function nonNullAddress(value: unknown, name: string): bigint {
  const result = uint64(value, name);
  if (result === 0n) throw new RangeError(`${name} must not be 0`);
  return result;
}

/** Returns a whole number from `min` to `max`, inclusive. */
export function integerInRange(
  value: unknown,
  name: string,
  { min = 0, max }: { min?: number; max: number },
): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${describeType(value)}`);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be a whole number from ${min} to ${max}, not ${formatValue(value)}`);
  }
  return value;
}

/** Returns an object that is not an array. */
export function plainObject(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object, not ${describeType(value)}`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** Returns an object whose own properties are all in `known`; for `undefined`, an empty one. */
export function knownOptions<Name extends string>(
  value: unknown,
  name: string,
  known: readonly Name[],
): { readonly [Key in Name]?: unknown } {
  if (value === undefined) return {};
  const object = plainObject(value, name);
  for (const key of Object.keys(object)) {
    if (!known.includes(key as Name)) {
      const advice = renamedOptionAdvice(key, known) ?? `it takes ${known.join(', ')}`;
      throw new TypeError(`${name} has no property ${formatValue(key)}; ${advice}`);
    }
  }
  return object as { readonly [Key in Name]?: unknown };
}

/** Returns a boolean; `undefined` is false. */
export function optionalBoolean(value: unknown, name: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value === true;
  throw new TypeError(`${name} must be true or false, not ${describeType(value)}`);
}

/** Returns one of `choices`; `undefined` is the first of them. */
export function oneOf<Choice extends string>(
  value: unknown,
  name: string,
  choices: readonly Choice[],
): Choice {
  const chosen = value === undefined ? choices[0] : choices.find((choice) => choice === value);
  if (chosen === undefined) {
    throw new RangeError(
      `${name} must be ${choices.map(formatValue).join(' or ')}, not ${formatValue(value)}`,
    );
  }
  return chosen;
}

/** Returns a name to be shown by tools: one line, no control characters, at most 200 UTF-16 units. */
export function displayName(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${describeType(value)}`);
  if (value.length === 0 || value.length > 200 || /\p{Cc}|\p{Zl}|\p{Zp}/u.test(value)) {
    throw new RangeError(`${name} must be 1 to 200 printable characters, not ${formatValue(value)}`);
  }
  return value;
}

/** Returns the error for a value that must be a `bigint`. */
export function bigintExpected(value: unknown, name: string): TypeError {
  const hint = typeof value === 'number' && Number.isSafeInteger(value) ? `: write ${value}n` : '';
  return new TypeError(`${name} must be a bigint, not ${describeType(value)}${hint}`);
}

/** Returns the type of a value for an error message, with article. */
export function describeType(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object')
    return `an ${value.constructor?.name ?? 'object'}`.replace(/^an (?=[^AEIOo])/, 'a ');
  return `a ${typeof value}`;
}
