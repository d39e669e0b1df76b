/**
 * Checks of single values that come from outside: 64-bit words, addresses, lengths.
 * Each throws `TypeError` or `RangeError` with the name of what was wrong, and returns the value as we keep it.
 */

const show = (value: unknown): string =>
  typeof value === 'bigint' ? `${value}n` : typeof value === 'string' ? JSON.stringify(value) : String(value);

/**
 * A 64-bit word. Values from -2^63 to 2^64-1 are taken; a negative one stands for its two's complement,
 * as it would in C, and is read back as the unsigned value.
 */
export function word(value: unknown, name: string): bigint {
  if (typeof value !== 'bigint') throw notBigint(value, name);
  const unsigned = BigInt.asUintN(64, value);
  if (unsigned !== value && BigInt.asIntN(64, value) !== value) {
    throw new RangeError(`${name} does not fit into 64 bits: ${show(value)}`);
  }
  return unsigned;
}

/** A 64-bit word that may not be 0. */
export function address(value: unknown, name: string): bigint {
  const result = word(value, name);
  if (result === 0n) throw new RangeError(`${name} is 0, and nothing can be called there`);
  return result;
}

/** A whole number from `from` to `to`, both included. */
export function integer(
  value: unknown,
  name: string,
  { from = 0, to }: { from?: number; to: number },
): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${kind(value)}`);
  if (!Number.isInteger(value) || value < from || value > to) {
    throw new RangeError(`${name} must be a whole number from ${from} to ${to}, not ${show(value)}`);
  }
  return value;
}

/** An object with properties to read. Arrays and functions do not count. */
export function record(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object, not ${kind(value)}`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** Options from outside: an object (or nothing) with no property that we do not know. */
export function options<Name extends string>(
  value: unknown,
  name: string,
  known: readonly Name[],
): { readonly [Key in Name]?: unknown } {
  if (value === undefined) return {};
  const given = record(value, name);
  for (const key of Object.keys(given)) {
    if (!known.includes(key as Name)) {
      throw new TypeError(`${name} has no property ${show(key)}; it takes ${known.join(', ')}`);
    }
  }
  return given as { readonly [Key in Name]?: unknown };
}

/** A flag; `undefined` is false. */
export function flag(value: unknown, name: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value === true;
  throw new TypeError(`${name} must be true or false, not ${kind(value)}`);
}

/** One of a few words; `undefined` is the first of them. */
export function oneOf<Choice extends string>(
  value: unknown,
  name: string,
  choices: readonly Choice[],
): Choice {
  const chosen = value === undefined ? choices[0] : choices.find((choice) => choice === value);
  if (chosen === undefined) {
    throw new RangeError(`${name} must be ${choices.map(show).join(' or ')}, not ${show(value)}`);
  }
  return chosen;
}

/** A name for tools to show; one line, no control characters, at most 200 characters. */
export function label(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${kind(value)}`);
  if (value.length === 0 || value.length > 200 || /\p{Cc}|\p{Zl}|\p{Zp}/u.test(value)) {
    throw new RangeError(`${name} must be 1 to 200 printable characters, not ${show(value)}`);
  }
  return value;
}

/** What to say where a `bigint` had to be. */
export function notBigint(value: unknown, name: string): TypeError {
  const hint = typeof value === 'number' && Number.isSafeInteger(value) ? `: write ${value}n` : '';
  return new TypeError(`${name} must be a bigint, not ${kind(value)}${hint}`);
}

/** How an error message calls the type of a value. */
export function kind(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object')
    return `an ${value.constructor?.name ?? 'object'}`.replace(/^an (?=[^AEIOo])/, 'a ');
  return `a ${typeof value}`;
}
