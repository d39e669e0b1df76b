/**
 * Checks of single values that come from outside: 64-bit words, addresses, lengths.
 * Each throws `TypeError` or `RangeError` with the name of what was wrong, and returns the value as we keep it.
 */

import { renamedOptionAdvice } from './renamed-options.js';

const formatValue = (value: unknown): string =>
  typeof value === 'bigint' ? `${value}n` : typeof value === 'string' ? JSON.stringify(value) : String(value);

/**
 * A 64-bit word. Values from -2^63 to 2^64-1 are taken; a negative one stands for its two's complement,
 * as it would in C, and is read back as the unsigned value.
 */
export function uint64(value: unknown, name: string): bigint {
  if (typeof value !== 'bigint') throw bigintExpected(value, name);
  const unsigned = BigInt.asUintN(64, value);
  if (unsigned !== value && BigInt.asIntN(64, value) !== value) {
    throw new RangeError(`${name} does not fit into 64 bits: ${formatValue(value)}`);
  }
  return unsigned;
}

/** A 64-bit word that may not be 0. */
export function nonNullAddress(value: unknown, name: string): bigint {
  const result = uint64(value, name);
  if (result === 0n) throw new RangeError(`${name} is 0, and nothing can be called there`);
  return result;
}

/** A whole number from `from` to `to`, both included. */
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

/** An object with properties to read. Arrays and functions do not count. */
export function plainObject(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object, not ${describeType(value)}`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** Options from outside: an object (or nothing) with no property that we do not know. */
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

/** A flag; `undefined` is false. */
export function optionalBoolean(value: unknown, name: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value === true;
  throw new TypeError(`${name} must be true or false, not ${describeType(value)}`);
}

/** One of a few words; `undefined` is the first of them. */
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

/** A name for tools to show; one line, no control characters, at most 200 characters. */
export function displayName(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${describeType(value)}`);
  if (value.length === 0 || value.length > 200 || /\p{Cc}|\p{Zl}|\p{Zp}/u.test(value)) {
    throw new RangeError(`${name} must be 1 to 200 printable characters, not ${formatValue(value)}`);
  }
  return value;
}

/** What to say where a `bigint` had to be. */
export function bigintExpected(value: unknown, name: string): TypeError {
  const hint = typeof value === 'number' && Number.isSafeInteger(value) ? `: write ${value}n` : '';
  return new TypeError(`${name} must be a bigint, not ${describeType(value)}${hint}`);
}

/** How an error message calls the type of a value. */
export function describeType(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object')
    return `an ${value.constructor?.name ?? 'object'}`.replace(/^an (?=[^AEIOo])/, 'a ');
  return `a ${typeof value}`;
}
